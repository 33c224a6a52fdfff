"""Every probe is exact, small and telling; the rational one is worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.truth import answers, probes
from bench.truth.claims import Asked

MOST = 20_000


@pytest.mark.parametrize("name", probes.names())
def test_a_probe_is_small_and_exact_in_float32(name: str) -> None:
    probe = probes.load(name)
    assert (probes.FOLDER / f"{name}.json").stat().st_size < MOST and probe.about
    assert probe.images.shape[1:] == probe.architecture.input_shape and len(probe.images) == 6
    assert probe.images.min() >= 0 and len(np.unique(probe.images)) > 4
    if not name.startswith("scaled"):
        for array in (probe.images, *probe.weights.values()):
            assert (array.astype(np.float32) == array).all()
    height, width, _ = probe.architecture.input_shape
    assert height != width and probe.architecture[probe.layer].inputs == (probe.before,)


@pytest.mark.parametrize("name", probes.names())
def test_no_image_of_a_probe_is_at_a_kink(name: str) -> None:
    """A whole number at a ReLU's corner would make two right answers."""
    probe = probes.load(name)
    values = answers.network(probe.architecture, probe.weights).values(probe.images)
    for node in probe.architecture.nodes:
        if node.kind == "relu":
            assert (values[node.inputs[0]] != 0).all(), node.name


def test_the_rational_probe_by_hand() -> None:
    """Grad-CAM of its first image, from the file's whole numbers, place by place."""
    probe = probes.load("rational")
    image, kernel = probe.images[0, :, :, 0], probe.weights["conv1.kernel"][:, :, 0]
    head, target = probe.weights["dense1.kernel"].reshape(3, 2, 2, 4), probe.targets[0]
    signed = np.zeros((3, 2))
    for channel in range(2):
        plane = np.zeros((3, 2))
        for row in range(3):
            for column in range(2):
                window = image[row : row + 2, column : column + 2]
                plane[row, column] = (window * kernel[..., channel]).sum()
        plane = np.maximum(plane + probe.weights["conv1.bias"][channel], 0)
        signed += head[:, :, channel, target].mean() * plane
    network = answers.network(probe.architecture, probe.weights)
    asked = Asked(network, probe.images, probe.targets, probe.layer, "grad_cam")
    assert asked.canonical.signed[0] == pytest.approx(signed, abs=1e-12)


def test_a_layer_before_the_relu_is_the_convolution_itself() -> None:
    probe = probes.load("base")
    network = answers.network(probe.architecture, probe.weights)
    after, before = (
        Asked(network, probe.images, probe.targets, node, "grad_cam").canonical.signed
        for node in (probe.layer, probe.before)
    )
    assert np.abs(after - before).max() > 1e-3


def test_the_named_probes_are_what_they_say() -> None:
    dead, negative, up = (probes.load(name) for name in ("dead", "negative", "scaled-up"))
    assert not dead.weights["dense1.kernel"].any()
    network = answers.network(negative.architecture, negative.weights)
    asked = Asked(network, negative.images, negative.targets, negative.layer, "grad_cam")
    signed = asked.canonical.signed
    assert (signed[negative.targets == 2] <= 0).all() and (signed > 0).any()
    base = probes.load("base").weights["dense1.kernel"]
    assert up.weights["dense1.kernel"] == pytest.approx(1000 * base)
    sure = probes.load("saturated")
    logits = np.sort(answers.network(sure.architecture, sure.weights)(sure.images), axis=1)
    others = np.exp(logits[:, :-1] - logits[:, -1:]).sum(axis=1)
    assert (others < 1.1e-9).all()
