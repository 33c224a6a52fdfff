"""ONNX files in, by `convert`, and out, by `write`. Nothing of a user's code runs.

`file` reads the bytes within limits, `folding` computes what is constant, `axes` and `values` know
which axis of the file is which of ours, the modules of `rules` translate operator by operator into
a `draft`, `tidy` finds formulas in it, `checking` holds the result against two evaluators.
"""
