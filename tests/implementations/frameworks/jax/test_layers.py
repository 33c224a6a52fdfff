import numpy as np
import pytest

from implementations.architecture import graph, registered, weights
from implementations.errors import BadInput

jax = pytest.importorskip("jax")

from implementations.frameworks.jax import runtime as framework  # noqa: E402
from implementations.frameworks.jax.layers import rectifier  # noqa: E402


def test_changed_relus_worked_by_hand():
    nodes = [
        {"name": "relu1", "kind": "relu", "inputs": "input"},
        {"name": "flatten1", "kind": "flatten", "inputs": "relu1"},
        {"name": "dense1", "kind": "dense", "inputs": "flatten1", "units": 2, "bias": False},
    ]
    form = {"input_shape": [1, 5, 1], "classes": 2, "nodes": nodes}
    architecture = graph.parse(form, "relus")
    kernel = np.array([[3, 1], [3, 1], [-3, 1], [-3, 1], [3, 1]], np.float32)
    plain = framework.build(architecture, {"dense1.kernel": kernel}, "cpu", "float32")
    images = framework.put(plain, np.array([1, -1, 2, -2, 0], np.float32).reshape(1, 1, 5, 1))

    def gradient(network, images):
        return jax.grad(lambda x: network(x)[:, 0].sum())(images).reshape(-1).tolist()

    def changed(rule):
        return lambda x: plain.with_relu(rule)(x)[:, 0].sum()

    assert gradient(plain, images) == [3, 0, -3, 0, 0]
    assert gradient(plain.with_relu("guided"), images) == [3, 0, 0, 0, 0]
    assert gradient(plain.with_relu("deconvolution"), images) == [3, 3, 0, 0, 3]
    compiled = jax.jit(jax.grad(changed("guided")))(images)
    assert compiled.reshape(-1).tolist() == [3, 0, 0, 0, 0]
    np.testing.assert_array_equal(plain.with_relu("guided")(images), plain(images))
    assert gradient(plain, images) == [3, 0, -3, 0, 0]
    with pytest.raises(BadInput, match="guided"):
        plain.with_relu("guide")


def test_relu6_keeps_its_own_bounds_under_a_rule():
    gradients = {
        rule: jax.vmap(jax.grad(rectifier(jax.nn.relu6, rule)))(np.float32([-1, 0, 3, 6, 7]))
        for rule in (None, "guided", "deconvolution")
    }
    assert gradients[None].tolist() == [0, 0, 1, 0, 0]
    assert gradients["guided"].tolist() == [0, 0, 1, 0, 0]
    assert gradients["deconvolution"].tolist() == [1, 1, 1, 1, 1]


def test_max_pool_pads_with_minus_infinity_and_gives_ties_to_the_first():
    pool = {"name": "pool1", "kind": "max_pool", "inputs": "input", "size": 2, "stride": 2}
    flatten = {"name": "flatten1", "kind": "flatten", "inputs": "pool1"}
    nodes = [{**pool, "padding": [[0, 0], [1, 1]]}, flatten]
    form = {"input_shape": [2, 2, 1], "classes": 2, "nodes": nodes}
    network = framework.build(graph.parse(form, "pool"), {}, "cpu", "float32")
    images = framework.put(network, np.full((1, 2, 2, 1), -1, np.float32))
    assert network(images).tolist() == [[-1, -1]]
    gradients = jax.grad(lambda x: network(x).sum())(images)
    assert gradients[0, :, :, 0].tolist() == [[1, 1], [0, 0]]


def test_scores_and_their_gradients_where_the_softmax_saturates():
    architecture = registered.get("mlp-512-100", (2, 2, 1), 3)
    network = framework.build(architecture, weights.randomise(architecture, 0), "cpu", "float32")
    logits, targets = jax.numpy.float32([[40, 0, 0], [1, 2, 3]]), jax.numpy.int32([0, 1])

    def values_and_gradients(name):
        run = jax.vjp(lambda z: network.score(name, z, targets), logits)
        return run[0], run[1](jax.numpy.ones(2))[0]

    softmax = np.exp([1, 2, 3]) / np.exp([1, 2, 3]).sum()
    tiny = np.exp(-40.0)
    values, gradients = values_and_gradients("logit")
    assert values.tolist() == [40, 2]
    assert gradients.tolist() == [[1, 0, 0], [0, 1, 0]]
    values, gradients = values_and_gradients("probability")
    np.testing.assert_allclose(values, [1, softmax[1]], rtol=1e-6)
    np.testing.assert_allclose(gradients[0], [2 * tiny, -tiny, -tiny], rtol=1e-5)
    np.testing.assert_allclose(
        gradients[1], softmax[1] * (np.array([0, 1, 0]) - softmax), rtol=1e-5
    )
    values, gradients = values_and_gradients("log_probability")
    np.testing.assert_allclose(values, [-2 * tiny, np.log(softmax[1])], rtol=1e-5)
    np.testing.assert_allclose(gradients[0], [2 * tiny, -tiny, -tiny], rtol=1e-5)
    with pytest.raises(BadInput, match="logit"):
        network.score("logits", logits, targets)
