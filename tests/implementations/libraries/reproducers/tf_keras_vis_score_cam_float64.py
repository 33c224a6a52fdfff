"""Scorecam of a model in float64 raises: it multiplies its maps in float32 with images in float64.

In the library's issues: none found of float64; keisen/tf-keras-vis#45,
"array type dtype('float16') not supported in ScoreCAM with mixed_precision", is closed.
"""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
from tf_keras_vis.scorecam import Scorecam
from tf_keras_vis.utils.scores import CategoricalScore

layers = keras.layers
model = keras.Sequential([
    keras.Input((6, 6, 1), dtype="float64"), layers.Conv2D(2, 3, name="conv", dtype="float64"),
    layers.Flatten(dtype="float64"), layers.Dense(2, dtype="float64"),
])  # fmt: skip
found = "no error"
try:
    Scorecam(model)(CategoricalScore([1]), np.ones((1, 6, 6, 1)), penultimate_layer="conv")
except Exception as error:
    found = type(error).__name__
print("expected: no error")
print(f"found: {found}")
