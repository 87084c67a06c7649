"""Texts that mean the same, so that copies and translations are never on both sides of a split."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from bot.folding import fold

Floats = NDArray[np.float32]

# Cosine from which two texts of one topic count as one meaning. On a public set of exact translations (xSID), with each
# language centred on its own mean, 0.6 links two thirds of the translations and 1 in 100 other pairs of the same topic;
# 0.75 links a third of the translations. On our own utterances seven of ten then still stand alone.
ALIKE: Final = 0.6
# A group larger than this share of its topic is taken apart by a stricter cosine: "thank you" and all that is like it
# would otherwise fall on one side of a split, and the topic with it.
LARGEST: Final = 0.1


def centred(vectors: Floats, mean: Floats) -> Floats:
    """The vectors seen from the mean, of unit length: encoder vectors all point much the same way without this."""
    moved = vectors - mean
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    return (moved / np.maximum(lengths, 1e-9)).astype(np.float32)


def by_meaning(vectors: Floats, texts: Sequence[str], intents: Sequence[str], alike: float = ALIKE) -> NDArray[np.int_]:
    """The group of each text, from 0: connected by nearness of `vectors` (centred), or by the same folded text.

    Nearness counts within an intent only: a near copy under another intent misleads a model, it cannot flatter it.
    """
    parents = np.arange(len(texts))
    seen: dict[str, int] = {}
    for at, text in enumerate(texts):
        parents[at] = seen.setdefault(fold(text), at)
    firsts = np.flatnonzero(parents == np.arange(len(texts)))
    names = np.array(intents)
    for name in sorted(set(intents)):
        members = firsts[names[firsts] == name]
        for group in _connected(members, vectors, alike, max(8, int(LARGEST * len(members)))):
            parents[group] = group[0]
    return np.unique(parents[parents], return_inverse=True)[1]


def _connected(members: NDArray[np.int_], vectors: Floats, alike: float, largest: int) -> list[NDArray[np.int_]]:
    near = csr_matrix(vectors[members] @ vectors[members].T >= alike)
    count, label = connected_components(near, directed=False)
    found: list[NDArray[np.int_]] = []
    for number in range(count):
        group = members[label == number]
        if len(group) > largest and alike < 0.95:
            found += _connected(group, vectors, alike + 0.05, largest)
        else:
            found.append(group)
    return found


def folds(groups: NDArray[np.int_], count: int, seed: int = 7) -> NDArray[np.int_]:
    """The fold of each text, 0 to count-1: whole groups, the largest first, always to the smallest fold so far."""
    sizes = np.bincount(groups)
    order = np.random.default_rng(seed).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    filled = np.zeros(count, dtype=int)
    fold_of = np.zeros(len(sizes), dtype=int)
    for group in order:
        fold_of[group] = int(filled.argmin())
        filled[fold_of[group]] += sizes[group]
    return fold_of[groups]
