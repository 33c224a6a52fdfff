from __future__ import annotations

import numpy as np

from bench.truth import rounding
from implementations.architecture import registered, weights
from implementations.oracle import runtime


def test_a_float32_sum_stays_within_its_bound() -> None:
    architecture = registered.get("cnn-32-16-8")
    network = runtime.build(architecture, weights.randomise(architecture, 0))
    images = np.random.default_rng(0).random((4, 28, 28, 1))
    terms, count = rounding.logit_sums(network, images)
    assert count == 28 * 28 * 8
    inputs, _ = network.features("flatten1", images)
    exact = inputs @ network.tensor("dense1.kernel")
    assert (terms >= np.abs(exact).max(axis=1)).all()
    rounded = np.zeros(exact.shape, np.float32)
    for place in range(count):  # one after another: the least exact order
        rounded += np.outer(inputs[:, place], network.tensor("dense1.kernel")[place]).astype(
            np.float32
        )
    bound = rounding.LAMBDA * np.sqrt(count) * rounding.UNIT["float32"] * terms
    off = np.abs(rounded - exact).max(axis=1)
    assert (off <= bound).all()
    assert (off > 1e-3 * bound).all()  # a bound that says something


def test_products_and_switches_are_counted_by_hand() -> None:
    architecture = registered.get("cnn-32-16-8")
    assert rounding.products(architecture, "relu1") == 9
    assert rounding.products(architecture, "relu3") == 9 + 9 * 32 + 9 * 16
    assert rounding.switches(architecture, "relu3") == 0
    assert rounding.switches(architecture, "relu2") == 28 * 28 * 8
    assert rounding.switches(architecture, "input") == 28 * 28 * (32 + 16 + 8)


def test_a_map_without_gradients_is_a_difference_of_logits() -> None:
    architecture = registered.get("cnn-32-16-8")
    expected = {
        "logits": np.array([[10.0, 1.0]]),
        "logit_terms": np.array([20.0]),
        "logit_count": np.array(4),
        "signed": np.full((1, 2, 2), 0.5),
        "heatmap": np.full((1, 2, 2), 0.5),
    }
    found = rounding.bounds(expected, "float32", "logit", architecture, "input")
    off = rounding.LAMBDA * 2 * 2.0**-24 * 20
    np.testing.assert_allclose(found["heatmap"], 2 * (rounding.LOGIT * 10 + off) / 0.5)
    np.testing.assert_allclose(found["logits"], off / 10)
    found = rounding.bounds(expected, "float32", "logit", architecture, "input", True)
    assert set(found) == {"logits", "activations"}


def test_weights_that_a_logit_loses_by_are_no_more_exact_than_it() -> None:
    architecture = registered.get("cnn-32-16-8")
    expected = {
        "logits": np.array([[10.0, 1.0]]),
        "logit_terms": np.array([20.0]),
        "logit_count": np.array(4),
        "activations": np.stack([np.full((1, 2, 2), 3.0), np.full((1, 2, 2), 4.0)], axis=-1),
        "weights": np.array([[0.1, 0.2]]),
        "signed": np.full((1, 2, 2), 0.5),
        "heatmap": np.full((1, 2, 2), 0.5),
    }
    found = rounding.bounds(expected, "float32", "logit", architecture, "relu1", lost=True)
    logit = rounding.LOGIT * 10 + rounding.LAMBDA * 2 * 2.0**-24 * 20
    np.testing.assert_allclose(found["weights"], 2 * logit / 0.2)
    # The logit of the whole is in every weight, the others' roundings are their own.
    for stage in ("signed", "heatmap", "upsampled"):
        np.testing.assert_allclose(found[stage], logit * (3 + 4 + 5) / 0.5)


def test_what_a_map_magnifies_is_its_due() -> None:
    architecture = registered.get("cnn-32-16-8")
    expected = {
        "logits": np.array([[10.0, 1.0], [3.0, 2.0]]),
        "logit_terms": np.array([20.0, 5.0]),
        "logit_count": np.array(4),
        "activations": np.ones((2, 2, 2, 3)),
        "weights": np.ones((2, 3)),
        "signed": np.ones((2, 2, 2)),
        "heatmap": np.ones((2, 2, 2)),
        "condition": np.array([1.0, 1000.0]),
    }
    found = rounding.bounds(expected, "float32", "logit", architecture, "relu1")
    one = (3 + rounding.LAMBDA) * rounding.UNIT["float32"]
    for stage in ("weights", "signed", "heatmap", "upsampled"):
        np.testing.assert_allclose(found[stage], [one, 1000 * one])
