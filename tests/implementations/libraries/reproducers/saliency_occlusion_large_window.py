"""PAIR saliency's occlusion by a window larger than the image: zeros, and no word of it.

In the library's issues: none found.
"""

import numpy as np
import saliency.core as saliency


def call(images, call_model_args=None, expected_keys=None):
    """The sum of the image."""
    return {saliency.OUTPUT_LAYER_VALUES: images.sum(axis=(1, 2, 3))}


print("expected: an error, or a map that is not 0 everywhere")
mask = saliency.Occlusion().GetMask(np.ones((8, 8, 1)), call, size=15)
print("found: a map of", np.unique(mask))
