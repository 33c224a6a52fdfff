"""Sets of cells drawn for KernelSHAP, and the regression that makes values of their scores."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import comb

from implementations.arrays import Floats
from implementations.errors import BadInput


def subsets(many: int, samples: int, generator: Generator) -> NDArray[np.bool_]:
    """Members (n, M) of all proper subsets, or of random ones and their complements."""
    if 2**many - 2 <= samples:
        numbers = np.arange(1, 2**many - 1)
        return (numbers[:, None] >> np.arange(many) & 1).astype(bool)
    sizes = np.arange(1, many)
    chances = 1 / (sizes * (many - sizes))
    size = generator.choice(sizes, samples // 2, p=chances / chances.sum())
    ranks = generator.random((samples // 2, many)).argsort(axis=1).argsort(axis=1)
    shown = ranks < size[:, None]
    return np.stack([shown, ~shown], axis=1).reshape(-1, many)


def weights(members: NDArray[np.bool_], samples: int) -> Floats:
    """The weight (n,) of each set by its members (n, M)."""
    many, shown = members.shape[1], members.sum(axis=1)
    if 2**many - 2 > samples:
        return np.ones(len(members))
    weights: Floats = (many - 1) / (comb(many, shown) * shown * (many - shown))
    return weights


def solution(members: NDArray[np.bool_], samples: int) -> Floats:
    """The matrix (M, n + 1), P beside q, that makes values of scores. Raises BadInput."""
    many = members.shape[1]
    weighed = members * weights(members, samples)[:, None]
    # A single cell has no proper subset: its value is the whole difference.
    gram = weighed.T @ members if many > 1 else np.eye(1)
    spread = np.linalg.eigvalsh(gram)
    if spread[0] <= spread[-1] * many * np.finfo(float).eps:
        raise BadInput(
            f"option samples={samples} of kernel_shap leaves the values of {many} cells open; "
            f"give {2 * many} or more, or a smaller grid"
        )
    solved = np.linalg.solve(gram, np.column_stack([weighed.T, np.ones(many)]))
    share = solved[:, -1:] / solved[:, -1].sum()
    return np.hstack([solved[:, :-1] - share * solved[:, :-1].sum(axis=0), share])
