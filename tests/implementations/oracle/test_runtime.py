import numpy as np
import pytest
from oracle_maps import explained

from implementations.architecture import weights
from implementations.arrays import resize
from implementations.errors import BadInput, Unavailable
from implementations.oracle import runtime

CONV = {"kind": "conv", "filters": 4, "kernel": 3}
MAX = {"kind": "max_pool", "size": 2, "stride": 2}
CLASSIFIER = [{"kind": "flatten"}, {"kind": "dense", "units": 3}]


def test_grad_cam_is_its_formula_in_loops(chain, convolution):
    network = chain([CONV, {"kind": "relu"}, MAX, *CLASSIFIER], (6, 6, 2))
    images, targets = np.random.default_rng(6).normal(0, 1, (3, 6, 6, 2)), np.array([2, 0, 1])
    stages = explained("grad_cam", network, images, targets, layer="node1")
    kernel, bias = network.tensors["node0.kernel"], network.tensors["node0.bias"]
    same = ((1, 1), (1, 1))
    activations = np.maximum(convolution(images, kernel, 1, 1, same, 1) + bias, 0)
    dense = network.tensor("node4.kernel").reshape(3, 3, 4, 3)
    for n, (image, target) in enumerate(zip(activations, targets, strict=True)):
        signed = np.zeros((6, 6))
        for c in range(4):
            weight = 0.0
            for y, x in np.ndindex(3, 3):
                # A max pool hands its whole gradient to one cell, so the mean is over 36 cells.
                weight += dense[y, x, c, target] / 36
            signed += weight * image[:, :, c]
        np.testing.assert_allclose(stages["signed"][n], signed, atol=1e-12)
        np.testing.assert_allclose(stages["heatmap"][n], np.maximum(signed, 0), atol=1e-12)


def test_relu_rules_by_hand(chain):
    network = chain(
        [{"kind": "relu"}, {"kind": "flatten"}, {"kind": "dense", "units": 2}], (1, 4, 1), 2
    )
    network.tensors["node2.kernel"] = np.array([[1.0, 0], [-2, 0], [3, 0], [-4, 0]])
    image = np.array([1.0, 1.0, -1.0, -1.0]).reshape(1, 1, 4, 1)
    target = np.array([0])
    expected = {"guided": [1, 0, 0, 0], "deconvolution": [1, 0, 3, 0]}
    for rule, gradient in expected.items():
        changed = network.with_relu(rule)
        found = changed.pull_back("input", image, {}, target, "logit")
        np.testing.assert_array_equal(found.ravel(), gradient)
        np.testing.assert_array_equal(changed(image), network(image))
    plain = network.pull_back("input", image, {}, target, "logit")
    np.testing.assert_array_equal(plain.ravel(), [1, -2, 0, 0])
    with pytest.raises(BadInput, match="did you mean guided"):
        network.with_relu("guide")


def test_resize_by_hand():
    doubled = resize(np.array([[[0.0, 4.0], [8.0, 12.0]]]), (4, 4))[0]
    np.testing.assert_allclose(doubled[0], [0, 1, 3, 4])
    np.testing.assert_allclose(doubled[:, 0], [0, 2, 6, 8])
    np.testing.assert_allclose(doubled[1], [2, 3, 5, 6])
    smaller = resize(np.array([[[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]]]), (1, 3))
    np.testing.assert_allclose(smaller, [[[0.5, 2.5, 4.5]]])


def test_resize_to_the_same_size_is_the_identity():
    heatmap = np.random.default_rng(7).normal(0, 1, (2, 5, 3))
    np.testing.assert_array_equal(resize(heatmap, (5, 3)), heatmap)


def test_build_keeps_the_weights_and_names_what_is_wrong(chain):
    network = chain([CONV, {"kind": "batch_norm", "epsilon": 0.2}, *CLASSIFIER])
    given = weights.randomise(network.architecture, 0)
    kept = runtime.weights(network)
    assert list(kept) == list(given)
    for name, array in given.items():
        assert kept[name].dtype == np.float64
        np.testing.assert_array_equal(kept[name], array)
    with pytest.raises(BadInput, match=r"stray\.kernel"):
        runtime.build(network.architecture, {**given, "stray.kernel": np.zeros(1)})


def test_only_eager_float64_on_the_cpu(chain):
    network = chain([CONV, {"kind": "relu"}, *CLASSIFIER])
    assert runtime.probe("cpu", "float64", "eager") is None
    assert "cpu, not gpu" in str(runtime.probe("gpu", "float64", "eager"))
    with pytest.raises(Unavailable, match="float64, not float32"):
        runtime.build(network.architecture, runtime.weights(network), "cpu", "float32")
    with pytest.raises(Unavailable, match="eager, not compiled"):
        runtime.compiler(network, ["heatmap"], "compiled")


def test_compiling_keeps_what_is_wanted_of_an_answer_with_a_heatmap(chain):
    network = chain([CONV, {"kind": "relu"}, *CLASSIFIER])
    compile_ = runtime.compiler(network, ["signed", "heatmap", "absent"])
    whole = compile_(lambda network, x: {"heatmap": x, "gradients": x, "signed": x})(network, 3)
    assert whole == {"signed": 3, "heatmap": 3}
    assert compile_(lambda network, x: {"part": x})(network, 4) == {"part": 4}


def test_gradients_of_every_node_are_those_pulled_back(chain):
    network = chain([CONV, {"kind": "relu"}, MAX, *CLASSIFIER], (6, 6, 2))
    images, targets = np.random.default_rng(6).normal(0, 1, (3, 6, 6, 2)), np.array([2, 0, 1])
    found, values = network.gradients(images, targets, "logit"), network.values(images)
    assert set(found) == set(values) == {"input", *(n.name for n in network.architecture.nodes)}
    for layer in ("input", "node0", "node2"):
        activations, rest = network.features(layer, images)
        np.testing.assert_array_equal(activations, values[layer])
        pulled = network.pull_back(layer, activations, rest, targets, "logit")
        np.testing.assert_array_equal(found[layer], pulled)


def test_arrays_cross_as_float64(chain):
    network = chain([CONV, {"kind": "relu"}, *CLASSIFIER])
    images, targets = np.ones((2, 5, 7, 4), np.float32), np.array([0, 1], np.int32)
    held = runtime.put(network, images)
    both = runtime.put(network, images, targets)
    assert held.dtype == both[0].dtype == runtime.to_numpy(network(held)).dtype == np.float64
    np.testing.assert_array_equal(both[1], targets)
    assert runtime.versions() == {"numpy": np.__version__}
