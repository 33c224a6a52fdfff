"""What the suite must know of PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from implementations.traits import Traits


def product(matrix: Any) -> Callable[[], Any]:
    """The product of a matrix with itself."""
    import torch

    tensor = torch.from_numpy(matrix)
    out = torch.empty_like(tensor)
    return lambda: torch.matmul(tensor, tensor, out=out)


TRAITS = {"": Traits("torch", product, every_seed=True)}
