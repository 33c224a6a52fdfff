import math

import numpy as np
import pytest

from implementations.errors import BadInput
from implementations.oracle.scores import score, score_gradient


@pytest.mark.parametrize("name", ["probability", "log_probability"])
def test_score_gradients_where_the_softmax_saturates(name):
    # Two classes, gap 60: the other's probability is 1 / (1 + exp 60) = 8.8e-27, all of which
    # 1 - p loses. In closed form log p = -log1p(exp(-60)).
    logits = np.array([[60.0, 0.0], [60.0, 0.0]])
    other = math.exp(-60) / (1 + math.exp(-60))
    winner, loser = score_gradient(name, logits, np.array([0, 1]))
    scale = np.array([1 - other, other]) if name == "probability" else np.ones(2)
    np.testing.assert_allclose(winner, scale[0] * other * np.array([1, -1]), rtol=1e-12)
    np.testing.assert_allclose(loser, scale[1] * (1 - other) * np.array([-1, 1]), rtol=1e-12)
    values = score(name, logits, np.array([0, 1]))
    logs = np.array([-math.log1p(math.exp(-60)), -60 - math.log1p(math.exp(-60))])
    expected = np.exp(logs) if name == "probability" else logs
    np.testing.assert_allclose(values, expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["logit", "probability", "log_probability"])
def test_score_gradients_are_those_of_central_differences(central_differences, name):
    logits = np.random.default_rng(4).normal(0, 2, (1, 6))
    gradient = score_gradient(name, logits, np.array([3]))
    expected = central_differences(lambda z: score(name, z, np.full(len(z), 3)), logits, 1e-5)
    np.testing.assert_allclose(gradient, expected, atol=1e-9)


def test_scores_are_the_softmax():
    logits = np.random.default_rng(5).normal(0, 2, (4, 6))
    targets = np.array([0, 5, 2, 3])
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    chosen = softmax[np.arange(4), targets]
    np.testing.assert_allclose(score("probability", logits, targets), chosen, rtol=1e-12)
    np.testing.assert_allclose(score("log_probability", logits, targets), np.log(chosen))


def test_unknown_scores_and_classes_are_refused():
    with pytest.raises(BadInput, match="did you mean logit"):
        score("logits", np.zeros((1, 3)), np.array([0]))
    with pytest.raises(BadInput, match="classes from 0 to 2"):
        score("logit", np.zeros((1, 3)), np.array([3]))
