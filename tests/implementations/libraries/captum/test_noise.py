"""Captum's averages over noise, drawn again here from the same generators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytorch_maps import IMAGES, TARGETS, build, explain, ours, weights_of

from bench.subject.heatmaps import relative_error
from implementations.oracle import runtime as oracle

pytest.importorskip("captum")
torch = pytest.importorskip("torch")

SAMPLES = 4


@pytest.fixture(scope="module")
def network() -> Any:
    return build(precision="float64")


def gradients(network: Any, images: np.ndarray) -> np.ndarray:
    """Of images (N, n, H, W, C): n copies of each."""
    twin = oracle.build(network.architecture, weights_of(network.architecture))
    flat = images.reshape(-1, *images.shape[2:])
    pixels, rest = twin.features("input", flat)
    targets = TARGETS.repeat(images.shape[1])
    return np.asarray(twin.pull_back("input", pixels, rest, targets, "logit")).reshape(images.shape)


def noise(seed: int, deviation: float) -> np.ndarray:
    n, height, width, channels = IMAGES.shape
    torch.manual_seed(seed)
    drawn = torch.normal(0, torch.full((n * SAMPLES, channels, height, width), deviation))
    return drawn.numpy().transpose(0, 2, 3, 1).reshape(n, SAMPLES, height, width, channels)


def largest(attributions: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.abs(attributions).max(axis=-1)
    return found


@pytest.mark.parametrize("absolute", ["true", "false"])
@pytest.mark.parametrize(
    ("kind", "combined"),
    [
        ("smoothgrad", lambda each: each.mean(axis=1)),
        ("smoothgrad_sq", lambda each: (each**2).mean(axis=1)),
        ("vargrad", lambda each: each.var(axis=1)),
    ],
)
def test_the_noise_tunnel(network: Any, kind: str, combined: Any, absolute: str) -> None:
    with torch.random.fork_rng([]):
        drawn = noise(7, 0.2)
    each = gradients(network, IMAGES[:, None] + drawn)
    expected = largest(combined(np.abs(each) if absolute == "true" else each))
    given = {"nt_samples": str(SAMPLES), "stdevs": "0.2", "seed": "7", "abs": absolute}
    theirs = explain("captum", network, f"noise_tunnel_{kind}", **given)
    assert (relative_error(theirs, expected, expected) <= 1e-6).all()


def test_without_noise_the_tunnel_is_saliency(network: Any) -> None:
    expected = ours("saliency", network)["heatmap"]
    theirs = explain("captum", network, "noise_tunnel_smoothgrad", stdevs="0.0")
    assert (relative_error(theirs, expected, expected) <= 1e-12).all()


@pytest.mark.parametrize("baselines", ["black", "uniform"])
def test_gradient_shap_of_many_copies_adds_up(network: Any, baselines: str) -> None:
    from pytorch_maps import scores

    given = {"n_samples": "400", "baselines": baselines}
    total = explain("captum", network, "gradient_shap", **given).sum(axis=(1, 2))
    generator = np.random.Generator(np.random.PCG64(0))
    starts = generator.random((400, *IMAGES.shape[1:])) if baselines == "uniform" else 0 * IMAGES
    means = [
        np.mean([scores(network, np.stack([s] * 4))[i] for s in starts[:40]]) for i in range(4)
    ]
    np.testing.assert_allclose(total, scores(network, IMAGES) - means, atol=0.15)


def test_one_seed_is_one_map_and_no_generator_is_left_changed(network: Any) -> None:
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    for offer in ("noise_tunnel_smoothgrad", "gradient_shap"):
        one, again, other = (
            explain("captum", network, offer, seed=seed) for seed in ("0", "0", "1")
        )
        np.testing.assert_array_equal(one, again)
        assert (relative_error(other, one, one) > 0.01).all()
    assert torch.equal(torch.random.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
