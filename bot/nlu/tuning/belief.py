"""How far the tuned network is to be believed beside the n-grams, found on texts that neither has seen."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix

from bot.nlu.groups import centred
from bot.nlu.model import KEPT, closeness
from bot.nlu.ngrams import Ngrams
from bot.nlu.romanised import copies
from bot.nlu.softmax import Floats, Softmax, probabilities

Ints = NDArray[np.int_]

#: The share of unseen texts that are farther from all known ones than `remote`. With 2 in 100 texts that fit no topic got
#: an answer more often than before tuning (10.3 % for 9.4), with 5 one in ten fewer of all were answered; this is as before.
REMOTE: Final = 0.03
_SHARES: Final = np.arange(0.3, 0.85, 0.05)


def ngram_chances(texts: Sequence[str], classes: Ints, train: Ints, test: Ints, count: int) -> Floats:
    """What the n-grams of `train` alone make of `test`, with the options of `ModelOptions` and `Ngrams`."""
    from bot.nlu.model import ModelOptions

    options = ModelOptions()
    known = [texts[at] for at in train]
    originals, romanised = copies(known)
    ngrams = Ngrams().fit([*known, *romanised])
    rows: csr_matrix = ngrams.transform([*known, *romanised]) * np.float32(options.sparse)
    nothing = np.zeros((rows.shape[0], 0), dtype=np.float32)
    wanted = np.concatenate([classes[train], classes[train][originals]])
    found = Softmax.fit(nothing, rows, wanted, count, options.penalty, options.rounds)
    asked = ngrams.transform([texts[at] for at in test]) * np.float32(options.sparse)
    return probabilities(found.logits(np.zeros((len(test), 0), dtype=np.float32), asked))


def believe(scores: Floats, others: Floats, classes: Ints) -> tuple[float, float, float]:
    """Temperature, share and sharpness (see `Judge`), from the network's scores and the n-grams' probabilities."""
    at = np.arange(len(classes))

    def surprise(chances: Floats) -> float:
        return -float(np.log(np.maximum(chances[at, classes], 1e-9)).mean())

    def sharpened(chances: Floats, power: float) -> Floats:
        taken = chances**power
        return taken / taken.sum(axis=1, keepdims=True)

    temperature = _least(lambda value: surprise(probabilities(scores / value)), 0.3, 3)
    own = probabilities(scores / temperature)
    right = [float(((share * own + (1 - share) * others).argmax(axis=1) == classes).mean()) for share in _SHARES]
    share = float(_SHARES[int(np.argmax(right))])
    both = share * own + (1 - share) * others
    return temperature, share, _least(lambda value: surprise(sharpened(both, value)), 0.5, 3)


def _least(loss: object, low: float, high: float) -> float:
    return float(minimize_scalar(loss, bounds=(low, high), method="bounded").x)


def remoteness(known: Floats, unseen: Floats) -> float:
    """The closeness that 3 in 100 unseen texts do not reach."""
    kept = known[np.random.default_rng(7).permutation(len(known))[:KEPT]]
    mean = known.mean(axis=0)
    return float(np.quantile(closeness(centred(unseen, mean), centred(kept, mean)), REMOTE))
