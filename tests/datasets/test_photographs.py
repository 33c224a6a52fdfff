from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from datasets.contract import centre
from datasets.photographs import MORE, NEAREST, load, photographs, shipped
from implementations.architecture import pretrained, registered
from implementations.oracle import runtime

BESIDE = Path(__file__).parents[3] / "shared" / "weights"
WEIGHTS = Path(os.environ.get("CAMPARISON_WEIGHTS", BESIDE)) / "squeezenet_v1_0.safetensors"


def test_photographs() -> None:
    names, images = photographs()
    assert names[:2] == ("china", "flower")
    assert (images.shape, images.dtype) == ((len(names), 256, 256, 3), np.float32)
    assert 0 <= images.min() < 0.05 < 0.95 < images.max() <= 1
    assert [len(names) - 2, *names[2:]] == [len(shipped()), *(path.stem for path in shipped())]
    # A blue sky over the roofs; an orange dahlia in the middle of its photograph.
    assert images[0, :40].mean(axis=(0, 1)).argmax() == 2
    assert images[1, 100:150, 100:150].mean(axis=(0, 1)).argmax() == 0


def test_nothing_to_train_on() -> None:
    dataset = load()
    names, whole = photographs()
    assert len(names) in (len(NEAREST), len(NEAREST) + len(MORE))
    np.testing.assert_array_equal(dataset.test_images, whole[:, 14:241, 14:241])
    np.testing.assert_array_equal(dataset.whole, whole)
    assert dataset.train_images.shape == (0, 227, 227, 3)
    named = [dataset.class_names[label] for label in dataset.test_labels[:2]]
    assert named in (["stupa", "daisy"], ["class 832", "class 985"])
    assert len(dataset.test_labels) == len(names)


def test_a_network_sees_the_centre_at_its_own_size() -> None:
    _, whole = photographs()
    np.testing.assert_array_equal(centre(whole, (224, 224)), whole[:, 16:240, 16:240])
    np.testing.assert_array_equal(centre(whole, (256, 230)), whole[:, :, 13:243])
    half = centre(whole, (112, 112))
    exact = whole[:, 16:240, 16:240].reshape(len(whole), 112, 2, 112, 2, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(half, exact, atol=1e-6)
    assert centre(whole, (299, 32)).shape == (len(whole), 299, 32, 3)


def test_the_form_is_that_of_squeezenet() -> None:
    dataset = load()
    architecture = registered.get("squeezenet-1.0")
    assert dataset.test_images.shape[1:] == architecture.input_shape
    assert len(dataset.class_names) == architecture.classes


@pytest.mark.skipif(
    not WEIGHTS.exists(), reason="no squeezenet_v1_0.safetensors; set CAMPARISON_WEIGHTS"
)
def test_the_classes_are_near_to_what_squeezenet_sees() -> None:
    network = runtime.build(registered.get("squeezenet-1.0"), pretrained.squeezenet(WEIGHTS))
    dataset = load()
    logits = network(runtime.put(network, dataset.test_images))
    own = np.take_along_axis(logits, dataset.test_labels[:, np.newaxis], axis=1)
    stronger = (logits > own).sum(axis=1)
    # The stupa leads; all are among the first hundred, where chance would give five hundred.
    assert stronger[0] == 0
    assert stronger.max() < 100
