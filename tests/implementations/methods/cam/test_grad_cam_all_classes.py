from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations.architecture import registered, weights
from implementations.contract import SCORES
from implementations.oracle import runtime

IMAGES = np.random.default_rng(3).random((3, 28, 28, 1))
TARGETS = np.array([2, 7, 0])


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("layer", ["relu1", "relu2"])
def test_each_class_has_the_map_that_it_has_alone(layer: str, score: str) -> None:
    architecture = registered.get("cnn-32-16")
    network = runtime.build(architecture, weights.randomise(architecture, 4))

    def stages(name: str, targets: np.ndarray) -> dict[str, np.ndarray]:
        return explained(name, network, IMAGES, targets, layer=layer, score=score)

    everything = stages("grad_cam_all_classes", TARGETS)
    assert everything["heatmap"].shape == (3, 28, 28, 10)
    for target in range(10):
        alone = stages("grad_cam", np.full(3, target))
        for stage in ("signed", "heatmap"):
            np.testing.assert_allclose(
                everything[stage][..., target], alone[stage], rtol=1e-10, atol=1e-15
            )
    other = stages("grad_cam_all_classes", TARGETS[::-1].copy())
    np.testing.assert_array_equal(other["heatmap"], everything["heatmap"])
