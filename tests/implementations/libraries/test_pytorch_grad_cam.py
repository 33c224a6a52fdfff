"""pytorch-grad-cam's Grad-CAM against our own, brought to its form."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import whole

from bench.subject.heatmaps import normalise, relative_error
from implementations import libraries, methods
from implementations.architecture import registered, weights
from implementations.errors import Unavailable

if libraries.describe("pytorch_grad_cam").missing:
    pytest.skip("pytorch-grad-cam is not installed", allow_module_level=True)


@pytest.mark.parametrize("frozen", [False, True])
def test_grad_cam_is_ours_normalised_and_upsampled(frozen: bool) -> None:
    from implementations.frameworks.pytorch import runtime

    architecture = registered.get("cnn-pool-dropout", (16, 18, 3), 4)
    network = runtime.build(architecture, weights.randomise(architecture, 0), "cpu", "float32")
    images = np.random.default_rng(0).random((3, 16, 18, 3), dtype=np.float32)
    placed = runtime.put(network, images, np.array([2, 0, 1], np.int32))
    ours, theirs = methods.load("grad_cam"), libraries.load("pytorch_grad_cam").method("grad_cam")
    stages = ours.builder("pytorch")(network, "relu2", ours.resolve({}), whole)(network, *placed)
    expected = runtime.to_numpy(network.resize(stages["heatmap"], (16, 18)))
    expected = normalise(expected, "min_max")
    options = theirs.resolve({"frozen": str(frozen).lower()})
    explain = theirs.builder("pytorch")(network, "relu2", options, whole)
    heatmap = explain(network, *placed)["heatmap"]
    assert all((p.grad is None) is frozen for p in network.parameters())
    assert heatmap.shape == (3, 16, 18)
    assert (relative_error(heatmap, expected, expected) <= 1e-4).all()
    with pytest.raises(Unavailable, match="logits only"):
        theirs.builder("pytorch")(network, "relu2", theirs.resolve({}, "probability"), whole)
