"""Multinomial logistic regression on a dense and a sparse block at once.

scikit-learn's needs both in one matrix: as a sparse one its dense part is slow, as a dense one it does not fit. Here
each block stays as it is, and the rows are worked on in parts at once: SciPy's products let other threads go on.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

Floats = NDArray[np.float32]

#: Parts of the rows. Always as many, and added up in order: the weights are then the same on any number of cores.
PARTS: Final = 4


@dataclass
class Softmax:
    """Weights of the two blocks, shapes (dense width, classes) and (sparse width, classes), and one bias per class."""

    dense: Floats
    sparse: Floats
    bias: Floats

    def logits(self, dense: Floats, sparse: csr_matrix) -> Floats:
        """Scores before normalising, shape (rows, classes)."""
        scores: Floats = dense @ self.dense + self.bias
        return scores + sparse @ self.sparse

    def _flat(self) -> NDArray[np.float64]:
        return np.concatenate([self.dense.ravel(), self.sparse.ravel(), self.bias]).astype(np.float64)

    @classmethod
    def fit(
        cls,
        dense: Floats,
        sparse: csr_matrix,
        classes: NDArray[np.int_],
        count: int,
        penalty: float,
        rounds: int = 80,
        start: "Softmax | None" = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> "Softmax":
        """Least cross-entropy with `penalty` / (2 · rows) times the squared weights; at most `rounds` steps of L-BFGS.

        `classes` holds each row's class, 0 to `count` - 1; weights to begin from can be given as `start`.
        """
        rows, width, height = len(classes), dense.shape[1], sparse.shape[1]
        dense_end, sparse_end = width * count, (width + height) * count
        strength = penalty / rows
        parts = [
            (dense[part], sparse[part], sparse[part].T.tocsr(), classes[part])
            for part in np.array_split(np.arange(rows), min(PARTS, rows))
        ]

        def weights(theta: NDArray[np.float64]) -> Softmax:
            small = theta.astype(np.float32)
            return cls(
                small[:dense_end].reshape(width, count),
                small[dense_end:sparse_end].reshape(height, count),
                small[sparse_end:],
            )

        def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            now = weights(theta)

            def one(part: tuple[Floats, csr_matrix, csr_matrix, NDArray[np.int_]]) -> tuple[float, Floats]:
                own_dense, own_sparse, transposed, own = part
                chances = probabilities(now.logits(own_dense, own_sparse))
                at = np.arange(len(own))
                cross_entropy = -float(np.log(np.maximum(chances[at, own], 1e-12)).sum())
                chances[at, own] -= 1
                slopes = (own_dense.T @ chances).ravel(), (transposed @ chances).ravel(), chances.sum(axis=0)
                return cross_entropy, np.concatenate(slopes)

            pieces = list(pool.map(one, parts))
            slope = reduce(np.add, (own for _, own in pieces)).astype(np.float64) / rows
            slope[:sparse_end] += strength * theta[:sparse_end]
            cross_entropy = sum(own for own, _ in pieces) / rows
            return cross_entropy + strength / 2 * float(theta[:sparse_end] @ theta[:sparse_end]), slope

        done = 0

        def step(_: NDArray[np.float64]) -> None:
            nonlocal done
            done += 1
            if progress:
                progress(done, rounds)

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            found = minimize(
                loss,
                np.zeros(sparse_end + count) if start is None else start._flat(),
                jac=True,
                method="L-BFGS-B",
                callback=step,
                # Five steps of memory: each holds two copies of all weights, and more did not end sooner.
                options={"maxiter": rounds, "maxcor": 5, "ftol": 1e-6},
            )
        return weights(found.x)


def probabilities(logits: Floats) -> Floats:
    """Softmax of each row."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)
