import math

import numpy as np
import pytest

from implementations import methods, reference, weights
from implementations.contract import BadInput, Unavailable
from implementations.graph import KINDS, parse
from implementations.reference_scores import score, score_gradient

CONV = {"kind": "conv", "filters": 4, "kernel": 3}
MAX = {"kind": "max_pool", "size": 2, "stride": 2}
AVERAGE = {"kind": "average_pool", "size": 2, "stride": 2}
SETTINGS = {
    "conv": CONV,
    "conv strided same": {**CONV, "stride": 2},
    "conv even kernel same": {**CONV, "kernel": 2, "stride": [1, 2]},
    "conv valid leaves a rest": {**CONV, "stride": 3, "padding": "valid"},
    "conv asymmetric pads": {**CONV, "kernel": [3, 2], "padding": [[2, 0], [0, 1]]},
    "conv dilated": {**CONV, "kernel": [2, 3], "dilation": [3, 2], "padding": 1},
    "conv grouped": {**CONV, "filters": 6, "groups": 2, "stride": [2, 1]},
    "conv depthwise": {**CONV, "filters": 8, "groups": 4, "bias": False, "dilation": 2},
    "batch_norm": {"kind": "batch_norm", "epsilon": 0.2},
    "relu": {"kind": "relu"},
    "relu6": {"kind": "relu6"},
    "max_pool": MAX,
    "max_pool overlapping": {**MAX, "size": 3, "stride": [1, 2], "padding": [[1, 0], [0, 1]]},
    "max_pool same": {**MAX, "size": 3, "padding": "same"},
    "max_pool ceil": {**MAX, "size": [2, 3], "rounding": "ceil"},
    "average_pool": AVERAGE,
    "average_pool padded": {**AVERAGE, "size": 3, "padding": [[1, 0], [1, 1]]},
    "average_pool counted": {**AVERAGE, "size": 3, "padding": 1, "count_padding": True},
    "average_pool same": {**AVERAGE, "size": 3, "padding": "same"},
    "average_pool ceil counted": {
        **AVERAGE, "size": 3, "padding": [[0, 0], [0, 1]], "rounding": "ceil",
        "count_padding": True,
    },
    "global_average_pool": {"kind": "global_average_pool"},
    "flatten": {"kind": "flatten"},
    "dense": [{"kind": "flatten"}, {"kind": "dense", "units": 5, "bias": False}],
    "dropout": {"kind": "dropout", "rate": 0.5},
    "pad": {"kind": "pad", "spatial": [[1, 0], [2, 1]], "channels": [1, 2]},
    "normalise": {
        "kind": "normalise", "mean": [1, 2, 3, 4], "deviation": [1, 2, 4, 8], "order": [2, 0, 3, 1]
    },
    "add": [{"kind": "add", "inputs": ["before", "before", "input"]}],
    "concat": [{"kind": "concat", "inputs": ["input", "before", "input"]}],
}  # fmt: skip
READ = (5, 7, 4)


def network_of(nodes, shape=READ, classes=3, seed=0):
    """A chain of nodes (each reads the one before unless it says otherwise), random weights."""
    named = []
    for position, node in enumerate(nodes):
        before = named[-1]["name"] if named else "input"
        named.append({"name": f"node{position}", "inputs": [before], **node})
    form = {"name": "test", "input_shape": list(shape), "classes": classes, "nodes": named}
    architecture = parse(form, "test")
    return reference.build(architecture, weights.randomise(architecture, seed))


def around(nodes):
    """The nodes between a smooth layer `before` and a classifier."""
    nodes = nodes if isinstance(nodes, list) else [nodes]
    flat = nodes[-1]["kind"] in ("flatten", "dense", "global_average_pool")
    end = [] if flat else [{"kind": "flatten"}]
    before = {"name": "before", "kind": "conv", "filters": 4, "kernel": 1}
    return [before, *nodes, *end, {"kind": "dense", "units": 3}]


def differences(function, place, step):
    """Central differences of a per-image function at one image, (1, ...), all in one batch."""
    steps = step * np.eye(place.size).reshape(-1, *place.shape[1:])
    slopes = (function(place + steps) - function(place - steps)) / (2 * step)
    return slopes.reshape(place.shape)


def test_every_kind_has_a_case():
    cases = [node for nodes in SETTINGS.values() for node in np.atleast_1d(nodes)]
    assert {node["kind"] for node in cases} == set(KINDS)


@pytest.mark.parametrize("layer", ["input", "before"])
@pytest.mark.parametrize("case", SETTINGS)
def test_the_gradient_is_that_of_central_differences(case, layer):
    network = network_of(around(SETTINGS[case]))
    image = np.random.default_rng(1).normal(0, 3, (1, *READ))
    assert network.kinks("input", image)[0] > 1e-4
    activations, rest = network.features(layer, image)

    def moved(values):
        repeated = {name: np.repeat(v, len(values), axis=0) for name, v in rest.items()}
        logits = network.head(layer, values, repeated)
        return network.score("log_probability", logits, np.full(len(values), 2))

    gradient = network.pull_back(layer, activations, rest, np.array([2]), "log_probability")
    expected = differences(moved, activations, 1e-5)
    assert np.abs(gradient).max() > 0
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=2e-8 * np.abs(expected).max())


def test_each_image_has_its_own_gradient():
    network = network_of(around(SETTINGS["max_pool"]))
    images = np.random.default_rng(2).normal(0, 1, (4, *READ))
    targets = np.array([0, 1, 2, 1])
    together = network.pull_back("input", images, {}, targets, "probability")
    for number, image in enumerate(images):
        alone = network.pull_back(
            "input", image[None], {}, targets[number : number + 1], "probability"
        )
        np.testing.assert_allclose(together[number], alone[0], rtol=1e-12)


def loop_conv(images, kernel, stride, dilation, pads, groups):
    """The definition of a convolution, one multiplication at a time."""
    images = np.pad(images, ((0, 0), *pads, (0, 0)))
    kh, kw, ci, filters = kernel.shape
    rows = (images.shape[1] - (kh - 1) * dilation - 1) // stride + 1
    columns = (images.shape[2] - (kw - 1) * dilation - 1) // stride + 1
    output = np.zeros((len(images), rows, columns, filters))
    for n, y, x, f in np.ndindex(*output.shape):
        first = f // (filters // groups) * ci
        for i, j, c in np.ndindex(kh, kw, ci):
            pixel = images[n, y * stride + i * dilation, x * stride + j * dilation, first + c]
            output[n, y, x, f] += pixel * kernel[i, j, c, f]
    return output


@pytest.mark.parametrize(
    "settings",
    [
        {"kernel": [3, 2], "padding": [[1, 2], [0, 1]], "groups": 2, "stride": 2},
        {"kernel": 2, "padding": [[0, 0], [1, 0]], "groups": 4, "stride": 1, "dilation": 2},
    ],
)
def test_convolution_is_its_definition(settings):
    network = network_of([{"kind": "conv", "filters": 8, **settings}, {"kind": "flatten"},
                          {"kind": "dense", "units": 3}])  # fmt: skip
    images = np.random.default_rng(3).normal(0, 1, (2, *READ))
    output, _ = network.features("node0", images)
    kernel, bias = network.tensors["node0.kernel"], network.tensors["node0.bias"]
    expected = loop_conv(
        images, kernel, settings["stride"], settings.get("dilation", 1), settings["padding"],
        settings["groups"],
    )  # fmt: skip
    np.testing.assert_allclose(output, expected + bias, atol=1e-13)


def output_of(node, image):
    """What a single node makes of one channel (h, w)."""
    image = np.array(image, np.float64)
    network = network_of([node, {"kind": "flatten"}, {"kind": "dense", "units": 2}],
                         (*image.shape, 1), classes=2)  # fmt: skip
    return network.features("node0", image[None, :, :, None])[0][0, ..., 0]


def test_average_pool_counts_what_it_is_told_to():
    ones = np.ones((3, 3))
    padded = {**AVERAGE, "padding": 1}
    np.testing.assert_array_equal(output_of(padded, ones), np.ones((2, 2)))
    counted = output_of({**padded, "count_padding": True}, ones)
    np.testing.assert_array_equal(counted, [[0.25, 0.5], [0.5, 1.0]])


def test_average_pool_never_counts_the_cells_of_ceil_mode():
    ceil = {**AVERAGE, "rounding": "ceil", "padding": [[0, 0], [0, 1]], "count_padding": True}
    # Columns 3 + 1 given: the second window holds one pixel and one counted pad. Rows 3: the second
    # window holds one row, and the row that rounding up adds is not counted.
    np.testing.assert_array_equal(output_of(ceil, np.ones((3, 3))), [[1.0, 0.5], [1.0, 0.5]])


def test_max_pool_pads_with_minus_infinity():
    pooled = output_of({**MAX, "padding": 1}, [[-1.0, -2.0], [-3.0, -4.0]])
    np.testing.assert_array_equal(pooled, [[-1.0, -2.0], [-3.0, -4.0]])


def test_max_pool_ties_go_to_the_first_position():
    network = network_of([MAX, {"kind": "flatten"}, {"kind": "dense", "units": 2}], (2, 4, 1), 2)
    image = np.array([[[0.0, 5.0, 7.0, 7.0], [5.0, 5.0, 7.0, 1.0]]])[..., None]
    gradient = network.pull_back("input", image, {}, np.array([1]), "logit")[0, ..., 0]
    left, right = network.kernel("node2")[:, 1]
    np.testing.assert_array_equal(gradient, [[0, left, right, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize(("kind", "open_"), [("relu", [0, 0, 1, 1, 1]), ("relu6", [0, 0, 1, 0, 0])])
def test_the_gradient_of_a_corner_is_zero(kind, open_):
    network = network_of([{"kind": kind}, {"kind": "flatten"}, {"kind": "dense", "units": 2}],
                         (1, 5, 1), 2)  # fmt: skip
    image = np.array([-1.0, 0.0, 3.0, 6.0, 7.0]).reshape(1, 1, 5, 1)
    gradient = network.pull_back("input", image, {}, np.array([0]), "logit").ravel()
    np.testing.assert_array_equal(gradient, network.kernel("node2")[:, 0] * open_)


def test_normalise_orders_first_and_the_mean_is_in_the_new_order():
    network = network_of([{"kind": "normalise", "mean": [1, 2, 3], "deviation": [1, 10, 100],
                           "order": [2, 1, 0]}, {"kind": "flatten"},
                          {"kind": "dense", "units": 2}], (1, 1, 3), 2)  # fmt: skip
    output, _ = network.features("node0", np.array([[[[5.0, 6.0, 7.0]]]]))
    np.testing.assert_allclose(output.ravel(), [(7 - 1) / 1, (6 - 2) / 10, (5 - 3) / 100])


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
def test_score_gradients_are_those_of_central_differences(name):
    logits = np.random.default_rng(4).normal(0, 2, (1, 6))
    gradient = score_gradient(name, logits, np.array([3]))
    expected = differences(lambda z: score(name, z, np.full(len(z), 3)), logits, 1e-5)
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


def test_grad_cam_is_its_formula_in_loops():
    network = network_of([CONV, {"kind": "relu"}, MAX, {"kind": "flatten"},
                          {"kind": "dense", "units": 3}], (6, 6, 2))  # fmt: skip
    images, targets = np.random.default_rng(6).normal(0, 1, (3, 6, 6, 2)), np.array([2, 0, 1])
    method = methods.load("grad_cam")
    explain = method.builder("reference")(network, "node1", method.resolve({}))
    stages = reference.prepare(network, explain, ["heatmap", "signed", "absent"])(images, targets)
    assert set(stages) == {"heatmap", "signed"}
    kernel, bias = network.tensors["node0.kernel"], network.tensors["node0.bias"]
    same = ((1, 1), (1, 1))
    activations = np.maximum(loop_conv(images, kernel, 1, 1, same, 1) + bias, 0)
    dense = network.kernel("node4").reshape(3, 3, 4, 3)
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


def test_relu_rules_by_hand():
    network = network_of([{"kind": "relu"}, {"kind": "flatten"}, {"kind": "dense", "units": 2}],
                         (1, 4, 1), 2)  # fmt: skip
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


def test_kinks_by_hand():
    network = network_of([{"name": "relu", "kind": "relu"}, {"name": "pool", **MAX},
                          {"kind": "flatten"}, {"kind": "dense", "units": 2}],
                         (2, 4, 1), 2)  # fmt: skip
    images = np.zeros((3, 2, 4, 1))
    # Windows (8, 7 | 7, 0), gap 1 of 8, and (0, -4 | 0, 0), a tie after the ReLU: no kink. At the
    # ReLU the smallest of 8, 7, 4 is 4 of 8; exact zeros are no kinks.
    images[0, ..., 0] = [[8, 7, 0, -4], [7, 0, 0, 0]]
    # The ReLU is the nearest: 0.5 of 10. The left window ties at 10 and falls to 5 next.
    images[1, ..., 0] = [[10, 10, -0.5, 2], [5, 5, 6, 6]]
    np.testing.assert_allclose(network.kinks("input", images), [1 / 8, 0.5 / 10, np.inf])
    assert network.kinks("relu", images)[1] == pytest.approx(4 / 10)
    np.testing.assert_array_equal(network.kinks("pool", images), np.full(3, np.inf))


def test_kinks_of_relu6_are_at_both_corners():
    network = network_of([{"kind": "relu6"}, {"kind": "flatten"}, {"kind": "dense", "units": 2}],
                         (1, 3, 1), 2)  # fmt: skip
    image = np.array([3.0, 6.25, 10.0]).reshape(1, 1, 3, 1)
    np.testing.assert_allclose(network.kinks("input", image), [0.25 / 10])


def test_another_implementation_decides_ties_and_corners_and_nothing_else():
    network = network_of([{"name": "pool", **MAX}, {"kind": "flatten"},
                          {"kind": "dense", "units": 2}], (2, 4, 1), 2)  # fmt: skip
    image = np.array([[[0.0, 5.0, 7.0, 7.0], [5.0, 5.0, 7.0, 1.0]]])[..., None]
    left, right = network.kernel("node2")[:, 1]
    theirs = np.array([[[9.0, 1.0, 2.0, 2.5], [3.0, 4.0, 2.0, 9.0]]])[..., None]

    def gradient(near):
        led = network.following({"input": theirs}, near)
        return led.pull_back("input", image, {}, np.array([1]), "logit")[0, ..., 0]

    # Their 9s stand where ours are not the largest, so they are not asked about those.
    np.testing.assert_array_equal(gradient(0.0), [[0, 0, 0, right], [0, left, 0, 0]])
    np.testing.assert_array_equal(gradient(0.6), gradient(0.0))
    # Within 0.8 of the largest, 7: they are asked about our 0, not yet about our 1.
    np.testing.assert_array_equal(gradient(0.8), [[left, 0, 0, right], [0, 0, 0, 0]])
    np.testing.assert_array_equal(gradient(1.0), [[left, 0, 0, 0], [0, 0, 0, right]])


@pytest.mark.parametrize(("kind", "open_"), [("relu", [1, 0, 1, 1, 1]), ("relu6", [1, 0, 1, 1, 0])])
def test_another_implementation_decides_what_is_a_corner(kind, open_):
    network = network_of([{"kind": kind}, {"kind": "flatten"}, {"kind": "dense", "units": 2}],
                         (1, 5, 1), 2)  # fmt: skip
    image = np.array([-1e-9, 0.0, 3.0, 6.0, 7.0]).reshape(1, 1, 5, 1)
    theirs = np.array([1e-9, -1e-9, -3.0, 6 - 1e-9, 1.0]).reshape(1, 1, 5, 1)
    led = network.following({"input": theirs}, 1e-6)
    gradient = led.pull_back("input", image, {}, np.array([0]), "logit").ravel()
    np.testing.assert_array_equal(gradient, network.kernel("node2")[:, 0] * open_)
    guided = led.with_relu("guided").pull_back("input", image, {}, np.array([0]), "logit").ravel()
    np.testing.assert_array_equal(guided, np.maximum(gradient, 0))


def test_resize_by_hand():
    doubled = reference.resize(np.array([[[0.0, 4.0], [8.0, 12.0]]]), (4, 4))[0]
    np.testing.assert_allclose(doubled[0], [0, 1, 3, 4])
    np.testing.assert_allclose(doubled[:, 0], [0, 2, 6, 8])
    np.testing.assert_allclose(doubled[1], [2, 3, 5, 6])
    smaller = reference.resize(np.array([[[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]]]), (1, 3))
    np.testing.assert_allclose(smaller, [[[0.5, 2.5, 4.5]]])


def test_resize_to_the_same_size_is_the_identity():
    heatmap = np.random.default_rng(7).normal(0, 1, (2, 5, 3))
    np.testing.assert_array_equal(reference.resize(heatmap, (5, 3)), heatmap)


def test_build_keeps_the_weights_and_names_what_is_wrong():
    network = network_of(around(SETTINGS["batch_norm"]))
    given = weights.randomise(network.architecture, 0)
    kept = reference.weights(network)
    assert list(kept) == list(given)
    for name, array in given.items():
        assert kept[name].dtype == np.float64
        np.testing.assert_array_equal(kept[name], array)
    with pytest.raises(BadInput, match=r"stray\.kernel"):
        reference.build(network.architecture, {**given, "stray.kernel": np.zeros(1)})


def test_only_eager_float64_on_the_cpu():
    network = network_of(around(SETTINGS["relu"]))
    assert reference.probe("cpu", "float64", "eager") is None
    assert "cpu, not gpu" in str(reference.probe("gpu", "float64", "eager"))
    with pytest.raises(Unavailable, match="float64, not float32"):
        reference.build(network.architecture, reference.weights(network), "cpu", "float32")
    with pytest.raises(Unavailable, match="eager, not compiled"):
        reference.prepare(network, lambda *_: {}, ["heatmap"], "compiled")


def test_arrays_cross_as_float64():
    network = network_of(around(SETTINGS["relu"]))
    images, targets = np.ones((2, *READ), np.float32), np.array([0, 1], np.int32)
    held = reference.put(network, images)
    both = reference.put(network, images, targets)
    assert held.dtype == both[0].dtype == reference.to_numpy(network(held)).dtype == np.float64
    np.testing.assert_array_equal(both[1], targets)
    assert reference.versions() == {"numpy": np.__version__}
