"""TorchCAM's Grad-CAM against our own."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import whole

from bench.subject.heatmaps import normalise, relative_error
from implementations import libraries, methods
from implementations.architecture import registered, weights
from implementations.errors import Unavailable

pytest.importorskip("torchcam")


@pytest.mark.parametrize("normalized", ["true", "false"])
@pytest.mark.parametrize("layer", ["conv2", "relu2"])
def test_grad_cam_is_ours(layer: str, normalized: str) -> None:
    from implementations.frameworks.pytorch import runtime

    architecture = registered.get("cnn-32-16", (10, 12, 3), 4)
    network = runtime.build(architecture, weights.randomise(architecture, 0), "cpu", "float32")
    images = np.random.default_rng(0).random((3, 10, 12, 3), dtype=np.float32)
    placed = runtime.put(network, images, np.array([2, 0, 1], np.int32))
    ours, theirs = methods.load("grad_cam"), libraries.load("torchcam").method("grad_cam")
    stages = ours.builder("pytorch")(network, layer, ours.resolve({}), whole)(network, *placed)
    options = theirs.resolve({"normalized": normalized})
    explain = theirs.builder("pytorch")(network, layer, options, whole)
    heatmap = runtime.to_numpy(explain(network, *placed)["heatmap"])
    expected = runtime.to_numpy(stages["heatmap"])
    scale = runtime.to_numpy(stages["signed"])
    if normalized == "true":
        expected = scale = normalise(expected, "min_max")
    assert (relative_error(heatmap, expected, scale) <= 1e-5).all()
    with pytest.raises(Unavailable, match="logits only"):
        theirs.builder("pytorch")(network, layer, theirs.resolve({}, "probability"), whole)
