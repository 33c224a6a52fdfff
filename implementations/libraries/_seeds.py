"""Seeds for libraries that draw from global generators."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """NumPy's global generator and, where it is loaded, PyTorch's, seeded; then as they were."""
    state = np.random.get_state()  # noqa: NPY002
    torch = sys.modules.get("torch")
    devices = range(torch.cuda.device_count()) if torch else ()
    with torch.random.fork_rng(devices) if torch else nullcontext():
        np.random.seed(seed)  # noqa: NPY002
        if torch:
            torch.manual_seed(seed)
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002
