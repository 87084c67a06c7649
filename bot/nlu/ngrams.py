"""Character n-grams of a text, weighted by how telling they are (TF-IDF).

They catch what the sentence encoder does not: texting spellings, romanised languages, and languages it knows badly.
Texts are folded first, so that one typed without accents meets the one with them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import regex
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from bot.errors import DataError
from bot.folding import fold, loosen
from bot.nlu.skeleton import skeleton

_CJK_RUN: Final = regex.compile(r"([\p{Han}\p{Hiragana}\p{Katakana}\u3005-\u3007\u30fc]+)")
_LONGEST: Final = 1600


def grams(text: str, shortest: int = 3, longest: int = 5) -> Iterator[str]:
    """The n-grams of the folded and loosened text, inside words, a word's borders counting as a space.

    Chinese and Japanese runs, which have no borders, give their single characters, pairs and triples. Words of other
    scripts also give the n-grams of their consonants (see `bot.nlu.skeleton`), marked with "~".
    """
    for word in loosen(fold(text[:_LONGEST])).split():
        for run in _CJK_RUN.split(word):
            if not run:
                continue
            if _CJK_RUN.match(run):
                for size in range(1, 4):
                    yield from (run[at : at + size] for at in range(len(run) - size + 1))
                continue
            bordered = f" {run} "
            for size in range(shortest, longest + 1):
                yield from (bordered[at : at + size] for at in range(len(bordered) - size + 1))
            if consonants := skeleton(run):
                yield f"~ {consonants} "
                bordered = f" {consonants} "
                for size in range(2, 5):
                    yield from (f"~{bordered[at : at + size]}" for at in range(len(bordered) - size + 1))


class Ngrams:
    """Texts to rows of a sparse matrix, each of unit length (or empty, where no n-gram is known).

    An n-gram counts from `min_df` texts on; the `most` frequent are kept.
    """

    def __init__(self, shortest: int = 3, longest: int = 5, min_df: int = 2, most: int = 80_000) -> None:
        self.shortest, self.longest, self.min_df, self.most = shortest, longest, min_df, most
        self._columns: dict[str, int] = {}
        self._idf: NDArray[np.float32] = np.zeros(0, dtype=np.float32)

    @property
    def width(self) -> int:
        """How many n-grams are known, which is the matrix's number of columns."""
        return len(self._columns)

    def fit(self, texts: Sequence[str]) -> "Ngrams":
        """Learn which n-grams there are and how rare each is."""
        frequency: Counter[str] = Counter()
        for text in texts:
            frequency.update(set(grams(text, self.shortest, self.longest)))
        kept = [gram for gram, count in frequency.items() if count >= self.min_df]
        kept.sort(key=lambda gram: (-frequency[gram], gram))
        kept = kept[: self.most]
        self._columns = {gram: column for column, gram in enumerate(kept)}
        counts = np.array([frequency[gram] for gram in kept], dtype=np.float32)
        self._idf = (np.log((1 + len(texts)) / (1 + counts)) + 1).astype(np.float32)
        return self

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """A float32 matrix of shape (len(texts), width)."""
        columns: list[int] = []
        values: list[float] = []
        starts = [0]
        for text in texts:
            counted = Counter(
                column for gram in grams(text, self.shortest, self.longest) if (column := self._columns.get(gram)) is not None
            )
            columns.extend(counted)
            values.extend(counted.values())
            starts.append(len(columns))
        at = np.array(columns, dtype=np.int32)
        weights = ((1 + np.log(np.array(values, dtype=np.float32))) * self._idf[at]).astype(np.float32)
        rows = np.repeat(np.arange(len(texts)), np.diff(starts))
        lengths = np.sqrt(np.bincount(rows, weights.astype(np.float64) ** 2, minlength=len(texts))).astype(np.float32)
        weights /= np.maximum(lengths, 1e-12)[rows]
        matrix = csr_matrix((weights, at, np.array(starts, dtype=np.int32)), shape=(len(texts), self.width))
        matrix.sort_indices()
        return matrix

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What `from_arrays` needs; nothing in it is a pickled object."""
        return {
            "options": np.array([self.shortest, self.longest, self.min_df, self.most]),
            "grams": np.frombuffer("\n".join(self._columns).encode(), dtype=np.uint8),
            "idf": self._idf,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Ngrams":
        """The fitted n-grams again. Raises DataError if the arrays do not fit together."""
        try:
            ngrams = cls(*(int(option) for option in arrays["options"]))
            kept = arrays["grams"].tobytes().decode()
            ngrams._columns = {gram: column for column, gram in enumerate(kept.split("\n") if kept else [])}
            ngrams._idf = arrays["idf"].astype(np.float32)
        except (KeyError, ValueError, TypeError) as error:
            raise DataError(f"The n-grams of the model cannot be read ({error}); train again.") from error
        if ngrams._idf.shape != (ngrams.width,):
            raise DataError("The n-grams of the model are not whole; train again.")
        return ngrams
