"""Score-CAM: what is known of its weights without running it."""

from __future__ import annotations

import numpy as np
from oracle_maps import explained

from implementations import methods
from implementations.architecture import graph
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.arrays import resize
from implementations.oracle import runtime

ARCHITECTURE = get("cnn-32-16-8", (8, 6, 3), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES = np.random.default_rng(2).random((2, 8, 6, 3))
TARGETS = np.array([3, 0], np.int32)


def test_algorithm_one_image_by_image() -> None:
    found = explained("score_cam", NETWORK, IMAGES, TARGETS, layer="relu2")
    activations, _ = NETWORK.features("relu2", IMAGES)
    for n, (image, target) in enumerate(zip(IMAGES, TARGETS, strict=True)):
        scores = []
        for channel in np.moveaxis(activations[n], -1, 0):
            grown = resize(channel[None], (8, 6))[0]
            if grown.max() > grown.min():
                grown = (grown - grown.min()) / (grown.max() - grown.min())
            else:
                grown = np.zeros_like(grown)
            scores.append(NETWORK((image * grown[..., None])[None])[0, target])
        weights = np.exp(scores) / np.exp(scores).sum()
        np.testing.assert_allclose(found["weights"][n], weights, rtol=1e-11)
        expected = np.maximum(activations[n] @ weights, 0)
        np.testing.assert_allclose(found["heatmap"][n], expected, rtol=1e-11, atol=1e-15)


def test_a_black_image_gives_every_channel_the_same_weight() -> None:
    found = explained("score_cam", NETWORK, np.zeros_like(IMAGES), TARGETS)
    channels = found["weights"].shape[1]
    np.testing.assert_allclose(found["weights"], 1 / channels, rtol=1e-12)


def test_a_channel_that_is_the_same_everywhere_is_no_mask() -> None:
    """Resizing a constant leaves rounding, at some sizes."""
    nodes = [
        {"name": "pool1", "kind": "max_pool", "size": 4, "stride": 4, "inputs": "input"},
        {"name": "gap1", "kind": "global_average_pool", "inputs": "pool1"},
        {"name": "dense1", "kind": "dense", "units": 4, "inputs": "gap1"},
    ]
    form = {"name": "flat", "input_shape": [28, 27, 3], "classes": 4, "nodes": nodes}
    architecture = graph.parse(form, "flat")
    network = runtime.build(architecture, randomise(architecture, 1))
    for level in np.linspace(0.01, 1, 30):
        images = np.full((2, 28, 27, 3), level) * [1, 0.7, 0.3]
        weights = explained("score_cam", network, images, TARGETS, "pool1")["weights"]
        np.testing.assert_array_equal(weights, np.full((2, 3), 1 / 3))


def test_a_constant_added_to_all_logits_changes_nothing_and_raw_weights_are_the_scores() -> None:
    plain = explained("score_cam", NETWORK, IMAGES, TARGETS)
    raw = explained("score_cam", NETWORK, IMAGES, TARGETS, weights="raw")
    bias = NETWORK.tensors["dense1.bias"]
    moved = runtime.build(ARCHITECTURE, {**NETWORK.tensors, "dense1.bias": bias + 3})
    found = explained("score_cam", moved, IMAGES, TARGETS)
    np.testing.assert_allclose(found["weights"], plain["weights"], rtol=1e-11)
    found = explained("score_cam", moved, IMAGES, TARGETS, weights="raw")
    np.testing.assert_allclose(found["weights"], raw["weights"] + 3, rtol=1e-11)


def test_it_costs_a_pass_a_channel_and_one() -> None:
    method = methods.load("score_cam")
    assert method.cost(method.resolve({}), ARCHITECTURE, "relu2").evaluations == 17


def test_a_layer_of_one_place_masks_nothing_where_resizing_rounds() -> None:
    """PyTorch's bilinear interpolation of a constant is a constant but for the last bit."""
    from bench.truth import probes
    from implementations.frameworks import hosts

    probe = probes.load("tiny-1x1")
    network = probes.network("tiny-1x1")
    expected = explained("score_cam", network, probe.images, probe.targets, layer=probe.layer)
    host = hosts.own("pytorch", probe.architecture, probe.weights, "float32")
    method = methods.load("score_cam")
    explain = method.bind(
        "pytorch", host.framework, host.network, probe.layer, method.resolve({}), ("weights",)
    )
    found = explain(*host.put(probe.images.astype(np.float32), probe.targets))["weights"]
    np.testing.assert_allclose(host.framework.to_numpy(found), expected["weights"], rtol=1e-6)
