"""The types of arrays that cross from one room to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = Any
Images = NDArray[np.float32]
Targets = NDArray[np.int32]
Weights = Mapping[str, NDArray[Any]]
Stages = dict[str, Array]
Floats = NDArray[np.float64]
"""What the oracle computes with."""
Tensors = Mapping[str, Floats]
"""A node's own weights by their short name, `kernel`."""
