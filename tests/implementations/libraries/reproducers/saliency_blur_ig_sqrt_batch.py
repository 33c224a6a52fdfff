"""PAIR saliency's blur IG with sqrt=True: a batch has the width of its last step for all.

In the library's issues: none found.
"""

import numpy as np
import saliency.core as saliency


def call(images, call_model_args=None, expected_keys=None):
    """The gradient of the sum of squares."""
    return {saliency.INPUT_OUTPUT_GRADIENTS: 2 * images}


image = np.random.default_rng(0).random((8, 8, 3))
sums = [
    saliency.BlurIG().GetMask(image, call, sqrt=True, batch_size=batch).sum() for batch in (1, 100)
]
print("expected: the same sum whatever the batch size, 0.000 apart")
print(f"found: {abs(sums[0] - sums[1]):.3f}")
