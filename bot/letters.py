"""Which language a text in Latin letters is in, by its sequences of letters: a regression on hashed n-grams.

It has learnt from our own utterances, where Arabic, Urdu, Nepali, Chinese and Japanese are in Latin letters too; detectors
made by others know nothing of those. `python -m bot.letters` learns anew from data/nlu and writes data/languages/letters.npz.
"""

import argparse
import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bot.errors import DataError
from bot.folding import fold, squeeze
from bot.languages import LANGUAGES

ROOT: Final = Path(__file__).resolve().parent.parent
PATH: Final = ROOT / "data" / "languages" / "letters.npz"
#: N-grams of at most so many letters, within words, in so many columns.
_LONGEST: Final = 4
_COLUMNS: Final = 2**16
#: Chosen on half of the utterances; ten times as much or as little costs half a point.
_PENALTY: Final = 2e-6
#: Utterances in two languages teach neither.
_NOT_LEARNT: Final = "mixed"


def shares(text: str) -> dict[str, float]:
    """How likely each of LANGUAGES is, as shares; one that has not been learnt yet is as likely as any.

    Raises DataError if the file is missing or damaged.
    """
    codes, weights, bias = _learnt()
    scores = np.asarray(_features([text]) @ weights).ravel() + bias
    chances = 1 / (1 + np.exp(-scores))
    found = dict(zip(codes, (chances / chances.sum()).tolist(), strict=True))
    return {code: found.get(code, 1 / len(LANGUAGES)) for code in LANGUAGES}


def _features(texts: Sequence[str]) -> Any:
    return _vectorizer().transform([squeeze(fold(text)) for text in texts])


@cache
def _vectorizer() -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer  # half a second, so at the first use

    return HashingVectorizer(
        analyzer="char_wb", ngram_range=(1, _LONGEST), n_features=_COLUMNS, alternate_sign=False, norm="l2", lowercase=False
    )


@cache
def _learnt(path: Path = PATH) -> tuple[tuple[str, ...], NDArray[np.float32], NDArray[np.float32]]:
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            codes = tuple(str(code) for code in file["languages"])
            weights, bias = file["weights"].astype(np.float32), file["bias"].astype(np.float32)
        if weights.shape != (_COLUMNS, len(codes)) or bias.shape != (len(codes),):
            raise ValueError("its parts do not fit together")
    except Exception as error:  # numpy and zipfile raise a dozen kinds for a damaged file
        raise DataError(f"{path.name} cannot be read ({error}): run `python -m bot.letters`.") from error
    return codes, weights, bias


def learn(rows: Sequence[tuple[str, str]], path: Path = PATH) -> None:
    """Learn from texts in Latin letters, each after its language; the same from the same rows."""
    from sklearn.linear_model import SGDClassifier

    languages = np.array([language for language, _ in rows])
    learnt = SGDClassifier(loss="log_loss", alpha=_PENALTY, max_iter=15, tol=None, random_state=0)
    learnt.fit(_features([text for _, text in rows]), languages)
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            languages=learnt.classes_,
            weights=learnt.coef_.T.astype(np.float16),
            bias=learnt.intercept_.astype(np.float32),
        )


def latin_utterances(folder: Path = ROOT / "data" / "nlu") -> Iterator[tuple[str, str]]:
    """Language and text of the utterances whose letters are mostly Latin."""
    from bot.language import script_of

    for path in sorted(folder.glob("*/*.yml")):
        style = ""
        for line in path.read_text("utf-8").splitlines():
            if "style:" in line:
                style = line.partition("style:")[2].strip(" }")
            elif line.startswith("    - ") and style != _NOT_LEARNT and script_of(line[6:]) == "latin":
                yield path.parent.name, line[6:].strip()


def main() -> None:
    """Learn from all utterances, or from a half for a test on the other (benchmarks/language.py --half)."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--half", choices=["even", "odd"], help="learn only from texts whose checksum is so")
    options = parser.parse_args()
    rows = list(latin_utterances())
    if options.half:
        rest = 1 if options.half == "odd" else 0
        rows = [row for row in rows if zlib.crc32(row[1].encode()) % 2 == rest]
    learn(rows)
    print(f"Learnt from {len(rows)} utterances.")


if __name__ == "__main__":
    main()
