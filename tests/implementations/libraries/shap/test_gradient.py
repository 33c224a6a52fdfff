"""SHAP's explainers of gradients, and all of its explainers in every column."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytorch_maps import CONV1, IMAGES, RELU1, TAIL, architecture, build, explain, ours, scores

from bench.subject.heatmaps import relative_error
from implementations import frameworks
from implementations.errors import BadInput, Unavailable

pytest.importorskip("shap")
pytest.importorskip("cv2")
pytest.importorskip("torch")

HERE = Path(__file__).parent
KNOWN = {"jax": (), "keras[tensorflow]": ("gradient", "deep"), "keras[jax]": (), "keras[torch]": ()}


@pytest.fixture(scope="module")
def network() -> Any:
    return build()


def by_shap(network: Any, offer: str, **options: str) -> np.ndarray:
    return explain("shap", network, offer, **options)


def test_deep_adds_up_and_leaves_no_trace(network: Any) -> None:
    names = {name for name, _ in network.named_parameters()}
    total = by_shap(network, "deep").sum(axis=(1, 2))
    expected = scores(network, IMAGES) - scores(network, 0 * IMAGES)
    np.testing.assert_allclose(total, expected, rtol=1e-4)
    assert {name for name, _ in network.named_parameters()} == names


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
def test_deep_is_our_deep_lift(precision: str, tolerance: float) -> None:
    small = build(precision=precision)
    expected = ours("deep_lift", small)["heatmap"]
    assert (relative_error(by_shap(small, "deep"), expected, expected) <= tolerance).all()


@pytest.mark.parametrize("baselines", ["black", "uniform"])
def test_gradients_of_many_samples_add_up(network: Any, baselines: str) -> None:
    given = {"nsamples": "500", "baselines": baselines}
    total = by_shap(network, "gradient", **given).sum(axis=(1, 2))
    generator = np.random.Generator(np.random.PCG64(0))
    starts = generator.random((64, *IMAGES.shape[1:])) if baselines == "uniform" else 0 * IMAGES
    means = [
        np.mean([scores(network, np.stack([start] * 4))[i] for start in starts]) for i in range(4)
    ]
    np.testing.assert_allclose(total, scores(network, IMAGES) - means, atol=0.15)


def test_one_seed_is_one_map(network: Any) -> None:
    one, again, other = (
        by_shap(network, "gradient", nsamples="5", seed=seed) for seed in ("0", "0", "1")
    )
    np.testing.assert_array_equal(one, again)
    assert (relative_error(other, one, one) > 0.01).all()


def test_what_it_cannot_explain_is_said() -> None:
    nodes = [
        CONV1, RELU1, {"name": "both", "kind": "add", "inputs": ["conv1", "relu1"]},
        {**TAIL[0], "inputs": "both"}, *TAIL[1:],
    ]  # fmt: skip
    with pytest.raises(Unavailable, match=r"does not know Add, which layers\.both is"):
        by_shap(build(architecture(*nodes)), "deep")
    with pytest.raises(Unavailable, match="as float32"):
        by_shap(build(precision="float64"), "gradient")
    with pytest.raises(BadInput, match="not defined for score probability"):
        by_shap(build(), "deep", score="probability")


@pytest.mark.parametrize("label", KNOWN)
def test_values_are_those_of_pytorch_in_every_column(
    label: str, network: Any, tmp_path: Path
) -> None:
    from shap_cases import ASKED

    column = frameworks.column(label)
    if column.missing:
        pytest.skip(column.missing)
    children = HERE.parents[1] / "children"
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parents[3]), str(children)]),
        "KERAS_BACKEND": column.backend or "jax", "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3",
    }  # fmt: skip
    path = tmp_path / "maps.npz"
    done = subprocess.run(
        [sys.executable, str(HERE / "explain_column.py"), column.framework, str(path)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(path) as found:
        for offer, given in ASKED.items():
            if offer in ("gradient", "deep") and offer not in KNOWN[label]:
                assert "TensorFlow only" in str(found[offer])
                continue
            expected = by_shap(network, offer, **given)
            # TensorFlow's draws go on from image to image, PyTorch's begin anew with each class.
            count = 1 if offer == "gradient" else len(IMAGES)
            error = relative_error(found[offer][:count], expected[:count], expected[:count])
            assert (error <= 1e-4).all()
