import numpy as np
import pytest
from node_cases import AVERAGE, MAX, READ, SETTINGS, around
from oracle_maps import kinks

from implementations.architecture.graph import KINDS


def test_every_kind_has_a_case():
    cases = [node for nodes in SETTINGS.values() for node in np.atleast_1d(nodes)]
    assert {node["kind"] for node in cases} == set(KINDS)


@pytest.mark.parametrize("layer", ["input", "before"])
@pytest.mark.parametrize("case", SETTINGS)
def test_the_gradient_is_that_of_central_differences(chain, central_differences, case, layer):
    network = chain(around(SETTINGS[case]))
    image = np.random.default_rng(1).normal(0, 3, (1, *READ))
    assert kinks(network, "input", image)[0] > 1e-4
    activations, rest = network.features(layer, image)

    def moved(values):
        repeated = {name: np.repeat(v, len(values), axis=0) for name, v in rest.items()}
        logits = network.head(layer, values, repeated)
        return network.score("log_probability", logits, np.full(len(values), 2))

    gradient = network.pull_back(layer, activations, rest, np.array([2]), "log_probability")
    expected = central_differences(moved, activations, 1e-5)
    assert np.abs(gradient).max() > 0
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=2e-8 * np.abs(expected).max())


@pytest.mark.parametrize("layer", ["input", "before"])
@pytest.mark.parametrize("case", SETTINGS)
def test_the_change_along_a_direction_is_that_of_central_differences(chain, case, layer):
    network = chain(around(SETTINGS[case]))
    if any(KINDS[node.kind].curved for node in network.architecture.nodes):
        pytest.skip("it is no slope times what it reads and a bias")
    generator = np.random.default_rng(1)
    activations, rest = network.features(layer, generator.normal(0, 3, (2, *READ)))
    tangent, step = generator.normal(0, 1, activations.shape), 1e-5
    ahead, behind = (network.head(layer, activations + s * tangent, rest) for s in (step, -step))
    found, expected = network.push(layer, activations, rest, tangent), (ahead - behind) / 2 / step
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8 * np.abs(expected).max())
    cotangent = generator.normal(0, 1, found.shape)
    pulled = network.pull(layer, activations, rest, cotangent)
    sums = (pulled * tangent).sum(axis=(1, 2, 3)), (cotangent * found).sum(axis=1)
    np.testing.assert_allclose(*sums, rtol=0, atol=1e-12 * np.abs(pulled * tangent).sum())


def test_each_image_has_its_own_gradient(chain):
    network = chain(around(SETTINGS["max_pool"]))
    images = np.random.default_rng(2).normal(0, 1, (4, *READ))
    targets = np.array([0, 1, 2, 1])
    together = network.pull_back("input", images, {}, targets, "probability")
    for number, image in enumerate(images):
        alone = network.pull_back(
            "input", image[None], {}, targets[number : number + 1], "probability"
        )
        np.testing.assert_allclose(together[number], alone[0], rtol=1e-12)


@pytest.mark.parametrize(
    "settings",
    [
        {"kernel": [3, 2], "padding": [[1, 2], [0, 1]], "groups": 2, "stride": 2},
        {"kernel": 2, "padding": [[0, 0], [1, 0]], "groups": 4, "stride": 1, "dilation": 2},
    ],
)
def test_convolution_is_its_definition(chain, convolution, settings):
    network = chain(
        [
            {"kind": "conv", "filters": 8, **settings},
            {"kind": "flatten"},
            {"kind": "dense", "units": 3},
        ]
    )
    images = np.random.default_rng(3).normal(0, 1, (2, *READ))
    output, _ = network.features("node0", images)
    kernel, bias = network.tensors["node0.kernel"], network.tensors["node0.bias"]
    expected = convolution(
        images, kernel, settings["stride"], settings.get("dilation", 1), settings["padding"],
        settings["groups"],
    )  # fmt: skip
    np.testing.assert_allclose(output, expected + bias, atol=1e-13)


def output_of(chain, node, image):
    """What a single node makes of one channel (h, w)."""
    image = np.array(image, np.float64)
    network = chain(
        [node, {"kind": "flatten"}, {"kind": "dense", "units": 2}], (*image.shape, 1), classes=2
    )
    return network.features("node0", image[None, :, :, None])[0][0, ..., 0]


def test_average_pool_counts_what_it_is_told_to(chain):
    ones = np.ones((3, 3))
    padded = {**AVERAGE, "padding": 1}
    np.testing.assert_array_equal(output_of(chain, padded, ones), np.ones((2, 2)))
    counted = output_of(chain, {**padded, "count_padding": True}, ones)
    np.testing.assert_array_equal(counted, [[0.25, 0.5], [0.5, 1.0]])


def test_average_pool_never_counts_the_cells_of_ceil_mode(chain):
    ceil = {**AVERAGE, "rounding": "ceil", "padding": [[0, 0], [0, 1]], "count_padding": True}
    # Columns 3 + 1 given: the second window holds one pixel and one counted pad. Rows 3: the second
    # window holds one row, and the row that rounding up adds is not counted.
    np.testing.assert_array_equal(output_of(chain, ceil, np.ones((3, 3))), [[1.0, 0.5], [1.0, 0.5]])


def test_max_pool_pads_with_minus_infinity(chain):
    pooled = output_of(chain, {**MAX, "padding": 1}, [[-1.0, -2.0], [-3.0, -4.0]])
    np.testing.assert_array_equal(pooled, [[-1.0, -2.0], [-3.0, -4.0]])


def test_max_pool_ties_go_to_the_first_position(chain):
    network = chain([MAX, {"kind": "flatten"}, {"kind": "dense", "units": 2}], (2, 4, 1), 2)
    image = np.array([[[0.0, 5.0, 7.0, 7.0], [5.0, 5.0, 7.0, 1.0]]])[..., None]
    gradient = network.pull_back("input", image, {}, np.array([1]), "logit")[0, ..., 0]
    left, right = network.tensor("node2.kernel")[:, 1]
    np.testing.assert_array_equal(gradient, [[0, left, right, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize(("kind", "open_"), [("relu", [0, 0, 1, 1, 1]), ("relu6", [0, 0, 1, 0, 0])])
def test_the_gradient_of_a_corner_is_zero(chain, kind, open_):
    network = chain(
        [{"kind": kind}, {"kind": "flatten"}, {"kind": "dense", "units": 2}], (1, 5, 1), 2
    )
    image = np.array([-1.0, 0.0, 3.0, 6.0, 7.0]).reshape(1, 1, 5, 1)
    gradient = network.pull_back("input", image, {}, np.array([0]), "logit").ravel()
    np.testing.assert_array_equal(gradient, network.tensor("node2.kernel")[:, 0] * open_)


def test_normalise_orders_first_and_the_mean_is_in_the_new_order(chain):
    network = chain(
        [
            {"kind": "normalise", "mean": [1, 2, 3], "deviation": [1, 10, 100], "order": [2, 1, 0]},
            {"kind": "flatten"},
            {"kind": "dense", "units": 2},
        ],
        (1, 1, 3),
        2,
    )
    output, _ = network.features("node0", np.array([[[[5.0, 6.0, 7.0]]]]))
    np.testing.assert_allclose(output.ravel(), [(7 - 1) / 1, (6 - 2) / 10, (5 - 3) / 100])
