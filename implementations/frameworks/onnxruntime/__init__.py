"""ONNX Runtime: networks as they are deployed, forward and no more."""
