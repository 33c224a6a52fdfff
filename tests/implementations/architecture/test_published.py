"""Networks that people use: as many parameters and operations as their papers and libraries say."""

import numpy as np
import pytest

from implementations.architecture import published, registered, weights
from implementations.architecture.graph import document, parse, resolve_layer
from implementations.architecture.shapes import operations, parameters

# Trained numbers of torchvision's models, and gigaflops of an image (a multiply-add is two).
KNOWN = {
    "resnet-18": (11_689_512, 3.6), "resnet-34": (21_797_672, 7.3), "resnet-50": (25_557_032, 8.2),
    "vgg-16": (138_357_544, 30.9), "vgg-19": (143_667_240, 39.3),
    "mobilenet-v2": (3_504_872, 0.6), "densenet-121": (7_978_856, 5.7),
    "convnext-tiny": (28_589_128, 8.9),
    # Its authors' 0.81 counts norms too.
    "efficientnet-lite0": (4_652_008, 0.77),
}  # fmt: skip


@pytest.mark.parametrize("name", published.BUILDERS)
def test_it_is_as_large_as_it_is_known_to_be(name):
    architecture = registered.get(name)
    trained = sum(
        int(np.prod(shape))
        for tensor, shape in parameters(architecture).items()
        if not tensor.endswith((".mean", ".variance"))
    )
    assert (trained, pytest.approx(operations(architecture) / 1e9, abs=0.06)) == KNOWN[name]
    assert architecture.input_shape == (224, 224, 3) and architecture.classes == 1000
    assert parse(document(architecture), name) == architecture
    layer = resolve_layer(architecture, None)
    assert architecture[layer].kind in ("relu", "relu6", "add")
    assert architecture.shapes[layer][:2] == ((14, 14) if name.startswith("vgg") else (7, 7))


def test_none_is_taken_unasked():
    assert not set(published.BUILDERS) & set(registered.names())


def test_random_weights_are_the_same_for_a_seed():
    architecture = registered.get("mobilenet-v2")
    digests = {weights.digest(weights.randomise(architecture, 3)) for _ in range(2)}
    assert len(digests) == 1
