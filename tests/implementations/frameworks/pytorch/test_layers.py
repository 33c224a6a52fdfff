import numpy as np
import pytest

from implementations.architecture import registered, weights
from implementations.architecture.graph import parse
from implementations.errors import BadInput

pytest.importorskip("torch")

import torch

from implementations.frameworks.pytorch import runtime

CHAIN = parse(
    {
        "input_shape": (1, 3, 1), "classes": 3,
        "nodes": [{"name": "r", "kind": "relu", "inputs": "input"},
                  {"name": "f", "kind": "flatten", "inputs": "r"},
                  {"name": "d", "kind": "dense", "inputs": "f", "units": 3}],
    },
    "chain",
)  # fmt: skip
SMALL = registered.get("cnn-32-16-8", (6, 6, 1), 4)


@pytest.mark.parametrize("mode", ["eager", "compiled"])
@pytest.mark.parametrize(
    ("rule", "expected"),
    [(None, [0.0, -2.0, 3.0]), ("guided", [0.0, 0.0, 3.0]), ("deconvolution", [1.0, 0.0, 3.0])],
)
def test_relu_rules_by_hand(rule, expected, mode):
    kernel = np.repeat(np.array([[1.0], [-2.0], [3.0]], np.float32), 3, axis=1)
    tensors = {"d.kernel": kernel, "d.bias": np.zeros(3, np.float32)}
    network = runtime.build(CHAIN, tensors, "cpu", "float32")
    network = network.with_relu(rule) if rule else network
    images = np.array([-1.0, 2.0, 5.0], np.float32).reshape(1, 1, 3, 1)

    def explain(network, images, targets):
        def score(images):
            return network.score("logit", network(images), targets).sum()

        return {"heatmap": torch.func.grad(score)(images)[:, 0]}

    prepared = runtime.compiler(network, ("heatmap",), mode)(explain)
    stages = prepared(network, *runtime.put(network, images, np.zeros(1, np.int32)))
    assert stages["heatmap"].flatten().tolist() == expected


def test_a_changed_relu_shares_the_weights():
    network = runtime.build(SMALL, weights.randomise(SMALL, 3), "cpu", "float32")
    guided = network.with_relu("guided")
    assert guided.layers["conv1"].weight is network.layers["conv1"].weight
    with pytest.raises(BadInput, match="guided"):
        network.with_relu("guidd")


@pytest.mark.parametrize("score", ["probability", "log_probability"])
def test_scores_where_the_softmax_saturates(score):
    network = runtime.build(SMALL, weights.randomise(SMALL, 3), "cpu", "float32")
    logits = torch.tensor([[40.0, 0.0, -1.0, -2.0], [0.0, 30.0, 30.0, 1.0]])
    targets = torch.tensor([0, 3])

    gradient = torch.func.grad(lambda z: network.score(score, z, targets).sum())(logits)
    exact = logits.double()
    others = [[1, 2, 3], [0, 1, 2]]
    for row, (target, rest) in enumerate(zip(targets.tolist(), others, strict=True)):
        odds = (exact[row, rest] - exact[row, target]).exp().sum()
        p, q = 1 / (1 + odds), odds / (1 + odds)
        wanted = p * q if score == "probability" else q
        assert wanted > 0
        assert gradient[row, target].item() == pytest.approx(wanted.item(), rel=1e-5)
        shares = exact[row, rest].softmax(0)
        np.testing.assert_allclose(gradient[row, rest], -wanted * shares, rtol=1e-5)
