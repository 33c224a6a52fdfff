"""PAIR saliency's guided IG with NumPy 2.4, which has no `interpolation` in `numpy.quantile`.

In the library's issues: none found.
"""

import numpy as np
import saliency.core as saliency


def call(images, call_model_args=None, expected_keys=None):
    """The gradient of the sum of squares."""
    return {saliency.INPUT_OUTPUT_GRADIENTS: 2 * images}


print("expected: a map of (4, 4, 3)")
try:
    print("found:", saliency.GuidedIG().GetMask(np.ones((4, 4, 3)), call).shape, "mended")
except TypeError as error:
    print("found:", error)
