"""What the suite must know of ONNX Runtime: it differentiates nothing, its arrays are NumPy's."""

from __future__ import annotations

from implementations.traits import Traits

TRAITS = {"": Traits("onnxruntime", forward_only=True, eager_step="it trains no network")}
