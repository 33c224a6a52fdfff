"""OcclusionSensitivity of an image that is not square gives a map of swapped sides.

In the library's issues: none found; the same of OpenCV's order of sides is
experiencor/keras-yolo2#434, "cv2 resize function gets (W, H) and not (H, W)".
"""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
from tf_explain.core.occlusion_sensitivity import OcclusionSensitivity

model = keras.Sequential([keras.Input((8, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
found = OcclusionSensitivity().get_sensitivity_map(model, np.ones((8, 4, 1)), 1, 2)
print("expected: a map of the image's size, (8, 4)")
print(f"found: {found.shape}")
