"""SHAP's explainers of masked images: values add up, repeat, and keep to their budget."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle_maps import whole

from implementations import libraries
from implementations.architecture import graph, weights
from implementations.errors import Unavailable
from implementations.frameworks.evaluations import count_evaluations

pytest.importorskip("shap")
cv2 = pytest.importorskip("cv2")
pytest.importorskip("torch")

SIDE = 12
TARGETS = np.array([0, 2, 1], np.int32)
MASKERS = ("blur", "inpaint_telea", "inpaint_ns")


def make(channels: int) -> tuple[Any, np.ndarray]:
    from implementations.frameworks.pytorch import runtime

    nodes = [
        {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 6, "kernel": 3},
        {"name": "relu1", "kind": "relu", "inputs": "conv1"},
        {"name": "flatten1", "kind": "flatten", "inputs": "relu1"},
        {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 3},
    ]
    form = {"input_shape": (SIDE, SIDE, channels), "classes": 3, "nodes": nodes}
    architecture = graph.parse(form, "small")
    network = runtime.build(architecture, weights.randomise(architecture, 0), "cpu", "float32")
    images = np.random.default_rng(0).random((3, SIDE, SIDE, channels), dtype=np.float32)
    return network, images


def explain(
    network: Any, images: np.ndarray, score: str = "logit", offer: str = "partition", **options: str
) -> np.ndarray:
    from implementations.frameworks.pytorch import runtime

    method = libraries.load("shap").method(offer)
    given = {"kernel": str(SIDE), "max_evals": "60", **options}
    build = method.builder("pytorch")(network, "input", method.resolve(given, score), whole)
    heatmap: np.ndarray = build(network, *runtime.put(network, images, TARGETS))["heatmap"]
    assert heatmap.shape == images.shape[:3]
    return heatmap


def scores(network: Any, images: np.ndarray, score: str = "logit") -> np.ndarray:
    from implementations.frameworks.pytorch import runtime

    placed, targets = runtime.put(network, images.astype(np.float32), TARGETS)
    return runtime.to_numpy(network.score(score, network(placed), targets))


def masked(images: np.ndarray, masker: str) -> tuple[np.ndarray, np.ndarray]:
    """What the model sees of a wholly shown and of a wholly hidden image."""
    if masker == "blur":
        blurred = [cv2.blur(image, (SIDE, SIDE)).reshape(image.shape) for image in images]
        return images, np.stack(blurred)
    levels = np.round(images * 255)
    hidden = np.broadcast_to(levels.mean(axis=(1, 2), keepdims=True), levels.shape)
    return levels / 255, hidden / 255


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("masker", MASKERS)
@pytest.mark.parametrize(("offer", "budget"), [("partition", "60"), ("permutation", "900")])
def test_attributions_add_up(masker: str, channels: int, offer: str, budget: str) -> None:
    network, images = make(channels)
    shown, hidden = masked(images, masker)
    expected = scores(network, shown) - scores(network, hidden)
    given = {"masker": masker, "max_evals": budget}
    total = explain(network, images, offer=offer, **given).sum(axis=(1, 2))
    np.testing.assert_allclose(total, expected, atol=1e-3)
    assert (abs(expected) > 1e-2).all()


def test_probabilities_add_up_too() -> None:
    network, images = make(1)
    shown, hidden = masked(images, "blur")
    expected = scores(network, shown, "probability") - scores(network, hidden, "probability")
    total = explain(network, images, "probability").sum(axis=(1, 2))
    np.testing.assert_allclose(total, expected, atol=1e-4)


def test_an_image_does_not_depend_on_the_others_or_on_the_run() -> None:
    network, images = make(1)
    together = explain(network, images)
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    np.testing.assert_array_equal(explain(network, images), together)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    others = images.copy()
    others[:2] = 0
    np.testing.assert_array_equal(explain(network, others)[2], together[2])


@pytest.mark.parametrize("budget", [20, 60])
def test_the_budget_is_kept(budget: int, capsys: pytest.CaptureFixture[str]) -> None:
    network, images = make(1)
    with count_evaluations(network) as evaluations:
        explain(network, images, max_evals=str(budget))
    assert budget - 2 <= evaluations.images / len(images) <= budget + 1
    assert capsys.readouterr() == ("", "")


def test_a_linear_network_gets_what_each_pixel_adds_in_any_order() -> None:
    from pytorch_maps import IMAGES, LINEAR, SHAPE, architecture, build
    from pytorch_maps import explain as explain_by

    network = build(architecture(*LINEAR), "float64")
    kernel = network.tensor("dense1.kernel").numpy().reshape(*SHAPE, 4)
    blurred = np.stack([cv2.blur(image, (14, 14)) for image in IMAGES])
    each = [
        (x * kernel[..., k]).sum(axis=-1)
        for x, k in zip(IMAGES - blurred, (0, 2, 1, 3), strict=True)
    ]
    given = {"kernel": "14", "max_evals": "1261"}
    found = explain_by("shap", network, "permutation", **given)
    np.testing.assert_allclose(found, each, atol=1e-6)


def test_a_budget_below_one_order_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    network, images = make(3)
    with pytest.raises(Unavailable, match=r"needs 865 evaluations .* max_evals=865"):
        explain(network, images, offer="permutation")
    one, again = (
        explain(network, images, offer="permutation", max_evals="865", seed="3") for _ in range(2)
    )
    np.testing.assert_array_equal(one, again)
    assert capsys.readouterr() == ("", "")
