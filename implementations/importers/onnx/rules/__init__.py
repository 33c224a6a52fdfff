"""What translates each operator: one function an operator, found in `walk.RULES`."""

from __future__ import annotations

from implementations.importers.onnx.rules import elementwise, layers, reshaping, slices, windows

__all__ = ["elementwise", "layers", "reshaping", "slices", "windows"]
