import numpy as np
import pytest
from oracle_maps import kinks

MAX = {"kind": "max_pool", "size": 2, "stride": 2}


def test_kinks_by_hand(chain):
    network = chain(
        [
            {"name": "relu", "kind": "relu"},
            {"name": "pool", **MAX},
            {"kind": "flatten"},
            {"kind": "dense", "units": 2},
        ],
        (2, 4, 1),
        2,
    )
    images = np.zeros((3, 2, 4, 1))
    # Windows (8, 7 | 7, 0), gap 1 of 8, and (0, -4 | 0, 0), a tie after the ReLU: no kink. At the
    # ReLU the smallest of 8, 7, 4 is 4 of 8; exact zeros are no kinks.
    images[0, ..., 0] = [[8, 7, 0, -4], [7, 0, 0, 0]]
    # The ReLU is the nearest: 0.5 of 10. The left window ties at 10 and falls to 5 next.
    images[1, ..., 0] = [[10, 10, -0.5, 2], [5, 5, 6, 6]]
    np.testing.assert_allclose(kinks(network, "input", images), [1 / 8, 0.5 / 10, np.inf])
    assert kinks(network, "relu", images)[1] == pytest.approx(4 / 10)
    np.testing.assert_array_equal(kinks(network, "pool", images), np.full(3, np.inf))


def test_kinks_of_relu6_are_at_both_corners(chain):
    network = chain(
        [{"kind": "relu6"}, {"kind": "flatten"}, {"kind": "dense", "units": 2}], (1, 3, 1), 2
    )
    image = np.array([3.0, 6.25, 10.0]).reshape(1, 1, 3, 1)
    np.testing.assert_allclose(kinks(network, "input", image), [0.25 / 10])


def test_another_implementation_decides_ties_and_corners_and_nothing_else(chain):
    network = chain(
        [{"name": "pool", **MAX}, {"kind": "flatten"}, {"kind": "dense", "units": 2}], (2, 4, 1), 2
    )
    image = np.array([[[0.0, 5.0, 7.0, 7.0], [5.0, 5.0, 7.0, 1.0]]])[..., None]
    left, right = network.tensor("node2.kernel")[:, 1]
    theirs = np.array([[[9.0, 1.0, 2.0, 2.5], [3.0, 4.0, 2.0, 9.0]]])[..., None]

    def gradient(near):
        led = network.following(lambda images: {"input": theirs}, near)
        return led.pull_back("input", image, {}, np.array([1]), "logit")[0, ..., 0]

    # Their 9s stand where ours are not the largest, so they are not asked about those.
    np.testing.assert_array_equal(gradient(0.0), [[0, 0, 0, right], [0, left, 0, 0]])
    np.testing.assert_array_equal(gradient(0.6), gradient(0.0))
    # Within 0.8 of the largest, 7: they are asked about our 0, not yet about our 1.
    np.testing.assert_array_equal(gradient(0.8), [[left, 0, 0, right], [0, 0, 0, 0]])
    np.testing.assert_array_equal(gradient(1.0), [[left, 0, 0, 0], [0, 0, 0, right]])


@pytest.mark.parametrize(("kind", "open_"), [("relu", [1, 0, 1, 1, 1]), ("relu6", [1, 0, 1, 1, 0])])
def test_another_implementation_decides_what_is_a_corner(chain, kind, open_):
    network = chain(
        [{"kind": kind}, {"kind": "flatten"}, {"kind": "dense", "units": 2}], (1, 5, 1), 2
    )
    image = np.array([-1e-9, 0.0, 3.0, 6.0, 7.0]).reshape(1, 1, 5, 1)
    theirs = np.array([1e-9, -1e-9, -3.0, 6 - 1e-9, 1.0]).reshape(1, 1, 5, 1)
    led = network.following(lambda images: {"input": theirs}, 1e-6)
    gradient = led.pull_back("input", image, {}, np.array([0]), "logit").ravel()
    np.testing.assert_array_equal(gradient, network.tensor("node2.kernel")[:, 0] * open_)
    guided = led.with_relu("guided").pull_back("input", image, {}, np.array([0]), "logit").ravel()
    np.testing.assert_array_equal(guided, np.maximum(gradient, 0))
