"""A network whose norms go by the batch, or whose dense kernel's rows are in another order."""

from __future__ import annotations

import numpy as np
import pytest

from bench.truth.variants import VARIANTS, by_the_batch, channels_first, channels_last
from experiments.diagnoses import planted
from experiments.diagnoses.planted import KINDS, Plant
from implementations.conventions import Convention
from implementations.oracle.network import Reference

PLAIN = next(kind for kind in KINDS if kind.network == "plain")
NORMED = next(kind for kind in KINDS if kind.network == "normed")


@pytest.mark.parametrize("layer", ["input", "conv1", "relu1"])
def test_a_gradient_through_the_batchs_statistics_is_that_of_the_sum_of_scores(layer: str) -> None:
    question = planted.asked(NORMED)
    network = by_the_batch(question.network)
    assert network is not None
    activations, rest = network.features(layer, question.images)
    gradient = network.pull_back(layer, activations, rest, question.targets, "logit")
    step = np.random.default_rng(0).standard_normal(activations.shape) * 1e-6

    def score(at: np.ndarray) -> float:
        logits = network.head(layer, at, dict(rest))
        return float(logits[np.arange(len(logits)), question.targets].sum())

    slope = (score(activations + step) - score(activations - step)) / 2
    assert slope == pytest.approx(float((gradient * step).sum()), rel=1e-4)


def test_a_norm_by_the_batch_is_standard_there() -> None:
    question = planted.asked(NORMED)
    network = by_the_batch(question.network)
    assert network is not None
    found, _ = network.features("norm1", question.images)
    scale, offset = (network.tensor(f"norm1.{name}") for name in ("scale", "offset"))
    np.testing.assert_allclose(found.mean(axis=(0, 1, 2)), offset, atol=1e-12)
    read, _ = network.features("conv1", question.images)
    spread = read.var(axis=(0, 1, 2))
    epsilon = network.architecture["norm1"]["epsilon"]
    expected = np.abs(scale) * np.sqrt(spread / (spread + epsilon))
    np.testing.assert_allclose(found.std(axis=(0, 1, 2)), expected, rtol=1e-12)


def test_rows_in_another_order_are_what_a_flatten_in_that_order_gives() -> None:
    network = planted.asked(PLAIN).network
    images = planted.asked(PLAIN).images
    features, _ = network.features("relu2", images)
    kernel, bias = network.tensor("dense1.kernel"), network.tensor("dense1.bias")
    first = channels_first(network)
    assert first is not None
    swapped = features.transpose(0, 3, 1, 2).reshape(len(images), -1) @ kernel + bias
    np.testing.assert_allclose(first(images), swapped, rtol=1e-12)
    back = channels_last(first)
    assert back is not None
    np.testing.assert_array_equal(back.tensor("dense1.kernel"), kernel)


def test_what_a_network_has_not_is_no_variant_of_it() -> None:
    plain = planted.asked(PLAIN).network
    assert by_the_batch(plain) is None
    pooled = Reference(plain.architecture, dict(plain.tensors))
    assert VARIANTS["as given"](pooled) is pooled


@pytest.mark.parametrize("kept", [name for name in VARIANTS if name != "as given"])
def test_a_diagnosis_names_it(kept: str) -> None:
    convention = Convention(weights=kept)
    maps = planted.made(planted.asked(NORMED), convention)
    assert maps is not None
    found, told = planted.recovered(Plant(NORMED, convention, convention.cost(), maps))
    assert found and convention in [each.convention for each in told.found]
