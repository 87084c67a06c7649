"""The intent model: from a text's vector and n-grams to how likely each intent is, and how sure that is.

What was tried, as the share of first guesses that are right on held-out groups of meaning (es fr ne, 12,000 utterances,
69 topics; half a point is noise):

    vector alone .627   n-grams alone .602   one regression on both .716   the two as votes .697
    linear SVM on both .709   ridge on both .630   nearest neighbours .509, and no gain beside the regression
    a hidden layer of 512 on the vector: .621 against .688 on eight languages, half a point more beside the regression
    n-grams of 2-4 .705, 2-5 .711, 3-5 .713, 3-6 .714 (and twice the size), with words and pairs of words .714
    weights vector : n-grams  2:1 .684, 1:1 .711, 2:3 .716, 1:2 .711
    vectors without their first 3, 6, 12 principal components -.005, -.010, -.020; whitened -.007 and worse
    consonant skeletons (see `skeleton`) +.028 over es ar ne ur
"""

import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix

from bot.errors import DataError
from bot.nlu.groups import by_meaning, centred, folds
from bot.nlu.softmax import Floats, Softmax, probabilities
from bot.nlu.tuned import Judge

FORMAT: Final = 3

# Half the confidence is left where a text is as far from all known ones as the remotest 1 in 50 of held-out texts, and
# all of it where it is a little closer. Probability times cosine, the usual measure, marked good answers down in
# languages whose texts lie further apart, and told right from wrong worse than the probability alone (AUROC .83, .86);
# this costs nothing there and takes a fifth off the wrong answers to texts of quite other services.
REMOTE: Final = 0.02
STEEPNESS: Final = np.float32(25)

# As many known texts, drawn at random, are kept to compare with where there is a judge: with all 96,000 that took longer
# than all the rest of an answer, and of 45,000 it told no more (out of scope answered 9.4 %, with 16,000 of them 9.5 %).
KEPT: Final = 16_000

# Rows compared with all known texts at once, which bounds the memory.
_BLOCK: Final = 1024


@dataclass(frozen=True)
class ModelOptions:
    """`dense` and `sparse` are the two blocks' weights, `penalty` keeps the model's weights small, `rounds` is the most
    training steps."""

    dense: float = 6.0
    sparse: float = 9.0
    penalty: float = 1.0
    rounds: int = 80


@dataclass(frozen=True)
class Ranked:
    """For each text: each intent's `probability` (rows, intents), the `closeness` of the nearest known text (centred
    cosine), and `confidence` (rows, intents): the probability where the text is like known ones, less where it is not.
    The thresholds in config.yml are for the confidence."""

    probability: Floats
    closeness: Floats
    confidence: Floats


class IntentModel:
    """Trained with `fit`, kept with `save` and `load`.

    With a `judge` (see `bot.nlu.tuned`) that knows all intents, its word on a text's vector stands beside what is learned
    here of the n-grams. A regression on those vectors would believe them too much: they come from a network that was tuned
    on the same texts.
    """

    def __init__(self, options: ModelOptions | None = None, judge: Judge | None = None) -> None:
        self.options = options or ModelOptions()
        self.judge = judge
        self.intents: list[str] = []
        self._mean: Floats = np.zeros(0, dtype=np.float32)
        self._known: Floats = np.zeros((0, 0), dtype=np.float32)
        self._weights: Softmax | None = None
        self._temperature = 1.0
        self._remote = 0.0

    def fit(
        self,
        vectors: Floats,
        ngrams: csr_matrix,
        intents: Sequence[str],
        texts: Sequence[str],
        progress: Callable[[int, int], None] | None = None,
    ) -> "IntentModel":
        """Learn from `vectors` (rows, dim), `ngrams` (rows, width), and each row's intent and text.

        A vector of zeros is that of a text to be learned by its n-grams alone. Without a judge the probabilities are
        calibrated on a fifth of the other texts that the weights for it have not seen, nor anything that means the same; the
        final weights then use all. Raises DataError for fewer than two intents.
        """
        self.intents = sorted(set(intents))
        if len(self.intents) < 2:
            raise DataError("There are utterances of fewer than two topics: nothing can be told apart.")
        number = {intent: at for at, intent in enumerate(self.intents)}
        classes = np.array([number[intent] for intent in intents])
        encoded = vectors.any(axis=1)
        self._mean = vectors[encoded].mean(axis=0).astype(np.float32)
        if self.judge and not self.judge.knows(self.intents):
            self.judge = None
        if self.judge:
            self._known = centred(vectors[_some(np.flatnonzero(encoded))], self._mean)
            self._remote = self.judge.remote
            self._weights = self._weigh(np.zeros((len(vectors), 0), dtype=np.float32), ngrams, classes, None, progress)
            return self
        self._known = centred(vectors[encoded], self._mean)
        rows = np.flatnonzero(encoded)
        held = folds(by_meaning(self._known, [texts[at] for at in rows], [intents[at] for at in rows]), 5) == 0
        trial = None
        if held.any() and len(set(classes[rows[~held]])) == len(self.intents):
            trial = self._weigh(self._known[~held], ngrams[rows[~held]], classes[rows[~held]], None, None)
            logits = trial.logits(self._known[held] * self.options.dense, ngrams[rows[held]] * self.options.sparse)
            self._temperature = _best_temperature(logits, classes[rows[held]])
            self._remote = float(np.quantile(closeness(self._known[held], self._known[~held]), REMOTE))
        dense = np.zeros_like(vectors)
        dense[encoded] = self._known
        self._weights = self._weigh(dense, ngrams, classes, trial, progress)
        return self

    def _weigh(
        self,
        known: Floats,
        ngrams: csr_matrix,
        classes: NDArray[np.int_],
        start: Softmax | None,
        progress: Callable[[int, int], None] | None,
    ) -> Softmax:
        options = self.options
        return Softmax.fit(
            known * np.float32(options.dense),
            ngrams * np.float32(options.sparse),
            classes,
            len(self.intents),
            options.penalty,
            options.rounds,
            start,
            progress,
        )

    def rank(self, vectors: Floats, ngrams: csr_matrix) -> Ranked:
        """Probability and confidence of every intent, in the order of `intents`, for each row."""
        if self._weights is None:
            raise DataError("The intent model is not trained.")
        seen = centred(vectors, self._mean)
        options = self.options
        dense = seen[:, :0] if self.judge else seen * np.float32(options.dense)
        probability = probabilities(self._weights.logits(dense, ngrams * np.float32(options.sparse)) / self._temperature)
        if self.judge:
            probability = self.judge.together(self.judge.chances(vectors, self.intents), probability)
        near = closeness(seen, self._known)
        familiar = 1 / (1 + np.exp(-STEEPNESS * (near - self._remote)))
        return Ranked(probability, near, probability * familiar[:, None])

    def save(self, path: Path) -> None:
        """Write the model to one file (arrays only, half precision: nothing that runs when it is read)."""
        if self._weights is None:
            raise DataError("The intent model is not trained.")
        arrays: dict[str, NDArray[Any]] = {
            "format": np.array(FORMAT),
            "options": np.array([getattr(self.options, field.name) for field in fields(ModelOptions)], dtype=float),
            "intents": np.array(self.intents),
            "mean": self._mean,
            "known": self._known.astype(np.float16),
            "dense": self._weights.dense,
            "sparse": self._weights.sparse.astype(np.float16),
            "bias": self._weights.bias,
            "temperature": np.array(self._temperature),
            "remote": np.array(self._remote),
        }
        if self.judge:
            arrays |= {f"judge.{name}": array for name, array in self.judge.arrays().items()}
        with path.open("wb") as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: Path) -> "IntentModel":
        """The model of a file. Raises DataError, with what to do, if it is missing, damaged or of another version."""
        return cls._from_arrays(read_arrays(path), path)

    @classmethod
    def _from_arrays(cls, arrays: Mapping[str, NDArray[Any]], path: Path) -> "IntentModel":
        try:
            if int(arrays["format"]) != FORMAT:
                raise DataError(f"The model in {path.name} is of another version of Careline; train again.")
            dense, sparse, penalty, rounds = (float(value) for value in arrays["options"])
            model = cls(ModelOptions(dense, sparse, penalty, int(rounds)))
            model.intents = [str(intent) for intent in arrays["intents"]]
            model._mean = arrays["mean"]
            model._known = arrays["known"].astype(np.float32)
            model._weights = Softmax(arrays["dense"], arrays["sparse"].astype(np.float32), arrays["bias"])
            model._temperature = float(arrays["temperature"])
            model._remote = float(arrays["remote"])
            if "judge.topics" in arrays:
                model.judge = Judge.from_arrays({name[6:]: array for name, array in arrays.items() if name.startswith("judge.")})
        except (KeyError, ValueError, TypeError) as error:
            raise DataError(f"The model in {path.name} is not whole ({error}); train again.") from error
        return model


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a model file. Raises DataError if it is missing or damaged; nothing in it is ever run."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise DataError(f"The model has no file {path.name}; train again.") from error
    except (OSError, ValueError, EOFError, AttributeError, TypeError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"The model file {path.name} is damaged ({error}); train again.") from error


def _some(rows: NDArray[np.int_]) -> NDArray[np.int_]:
    """At most `KEPT` of the rows, the same ones each time."""
    return rows if len(rows) <= KEPT else np.sort(np.random.default_rng(7).choice(rows, KEPT, replace=False))


def closeness(seen: Floats, known: Floats) -> Floats:
    """The cosine of each row of `seen` with the nearest row of `known`; both are of unit length."""
    nearest = [(seen[at : at + _BLOCK] @ known.T).max(axis=1) for at in range(0, len(seen), _BLOCK)]
    return np.concatenate(nearest) if nearest else np.zeros(0, dtype=np.float32)


def _best_temperature(logits: Floats, classes: NDArray[np.int_]) -> float:
    at = np.arange(len(classes))

    def loss(log_temperature: float) -> float:
        chances = probabilities(logits / np.float32(np.exp(log_temperature)))
        return -float(np.log(np.maximum(chances[at, classes], 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))
