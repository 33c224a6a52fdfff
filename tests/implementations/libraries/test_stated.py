"""What a library's offer states of its map is what the library computes, on a small network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracle_maps import whole
from pytorch_maps import CONV1, RELU1, TAIL

from bench.truth.diagnosis import diagnose
from bench.truth.question import Question
from implementations import libraries
from implementations.architecture import graph, weights
from implementations.architecture.graph import Architecture
from implementations.conventions import Convention, apply
from implementations.oracle import runtime as oracle

SHAPE = (13, 16, 3)
POOLED = [
    CONV1,
    RELU1,
    {"name": "gap1", "kind": "global_average_pool", "inputs": "relu1"},
    {"name": "dense1", "kind": "dense", "inputs": "gap1", "units": 4},
]
UNSEARCHED = ("lrp", "full_grad", "fem")
"""Offers whose settings a search does not go through: numbers, and another formula than ours."""
IMAGES = np.random.default_rng(1).random((5, *SHAPE), dtype=np.float32)
TARGETS = np.array([0, 2, 1, 3, 2], np.int32)
STATED = [
    (name, offer)
    for name in libraries.names()
    for offer, about in libraries.describe(name).offers.items()
    if isinstance(about.convention, Convention)
]
OF_TORCH = [each for each in STATED if "pytorch" in libraries.describe(each[0]).frameworks]
OF_KERAS = [(name, offer) for name, offer in STATED if libraries.describe(name).backend]
PLACES = {"cam": "pooled", "deep_lift": "pooled", "full_grad": "loud"}
"""Offers of PyTorch's that ask for another network, and which.

CAM needs its own; DeepLIFT of Captum is another where a ReLU and a pool touch; and the epsilon that
FullGrad adds to each channel's range, which no convention has, is small beside loud weights.
"""


def architecture(*nodes: dict[str, Any]) -> Architecture:
    return graph.parse({"input_shape": SHAPE, "classes": 4, "nodes": list(nodes)}, "small")


def stated(
    convention: Convention, small: Architecture, tensors: Any, layer: str, maps: np.ndarray,
    images: np.ndarray, targets: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """The map that a convention makes of the oracle's intermediates, of either sign the nearer."""
    network = oracle.build(small, tensors)
    asked = Question(network, images.astype(float), targets, maps, layer, convention.formula)
    evidence = asked.evidence(convention)
    assert evidence is not None
    activations, gradients = evidence
    made = apply(convention, activations, gradients, images.shape[1:3])
    if convention.sign == "as defined":
        return made
    other = apply(convention, -activations, gradients, images.shape[1:3])
    nearer = (abs(made - maps) <= abs(other - maps)).all(axis=(1, 2), keepdims=True)
    return np.where(nearer, made, other)


def check(found: np.ndarray, expected: np.ndarray, tolerance: float = 1e-5) -> None:
    assert found.shape == expected.shape
    peaks = np.abs(expected).max(axis=(1, 2))
    assert (peaks > 0).any()
    assert (np.abs(found - expected).max(axis=(1, 2)) <= tolerance * peaks).all()


def diagnosed(
    offer: libraries.Offer, small: Architecture, tensors: Any, layer: str, maps: np.ndarray
) -> None:
    """A diagnosis of the map finds what is stated, or what gives the same maps and is no dearer."""
    plain = libraries.canonical(offer.like, at_input=offer.at != "layer")
    convention = offer.convention
    assert isinstance(convention, Convention)
    network = oracle.build(small, tensors)
    asked = Question(network, IMAGES.astype(float), TARGETS, maps, layer, plain.formula)
    told = diagnose(asked, 30, lambda text: None)
    if not asked.enough:  # the rest are maps of zeros, of which no verdict is given
        assert told.nearest and (told.nearest.errors <= 1e-5).all()
    else:
        cost = convention.cost(plain.formula, asked.at_input)
        assert told.found and told.found[0].cost <= cost


@pytest.mark.parametrize(("library", "offer"), OF_TORCH)
def test_a_library_of_pytorch_computes_what_its_offer_states(library: str, offer: str) -> None:
    about = libraries.describe(library)
    if about.missing:
        pytest.skip(about.missing)
    from implementations.frameworks.pytorch import runtime

    place = PLACES.get(offer, "")
    small = architecture(*(POOLED if place == "pooled" else [CONV1, RELU1, *TAIL]))
    tensors = weights.randomise(small, 0)
    if place == "loud":
        tensors["dense1.kernel"] = tensors["dense1.kernel"] * np.float32(1000)
    network: Any = runtime.build(small, tensors, "cpu", "float64")
    method = about.method(offer)
    # Where flattening reads the layer, one of them raises.
    at_layer = "relu1" if place == "pooled" else "pool1"
    layer = at_layer if method.at == "layer" else "input"
    explain = method.builder("pytorch")(network, layer, method.resolve({}), whole)
    found = explain(network, *runtime.put(network, IMAGES, TARGETS))["heatmap"]
    found = found if isinstance(found, np.ndarray) else runtime.to_numpy(found)
    convention = about.offers[offer].convention
    assert isinstance(convention, Convention)
    check(found, stated(convention, small, tensors, layer, found, IMAGES, TARGETS))
    if offer not in UNSEARCHED:
        diagnosed(about.offers[offer], small, tensors, layer, found)


@pytest.fixture(scope="module")
def of_keras(offered: Callable[..., Any]) -> Callable[[str, str], tuple[np.ndarray, str]]:
    """From library and offer to its maps as shipped and the layer, all made in one process."""
    cases = {}
    for library, offer in OF_KERAS:
        about = libraries.describe(library)
        if not about.missing:
            layer = "relu2" if about.offers[offer].at == "layer" else "input"
            precision = "float32" if library == "tf_explain" else "float64"
            cases[library, offer] = f"{precision} {library}.{offer} {layer}"

    def maps(library: str, offer: str) -> tuple[np.ndarray, str]:
        if (library, offer) not in cases:
            pytest.skip(str(libraries.describe(library).missing))
        case = cases[library, offer]
        found = offered(next(iter(cases))[0], *cases.values())
        return found.maps[case], case.split()[-1]

    return maps


@pytest.mark.parametrize(("library", "offer"), OF_KERAS)
def test_a_library_of_keras_computes_what_its_offer_states(
    of_keras: Any, example: Any, library: str, offer: str
) -> None:
    small, tensors, images, targets = example
    found, layer = of_keras(library, offer)
    convention = libraries.describe(library).offers[offer].convention
    assert isinstance(convention, Convention)
    expected = stated(convention, small, tensors, layer, found, images, targets)
    if (library, offer) == ("tf_keras_vis", "grad_cam_plus_plus"):
        # Its factor exp(score) is seen beside epsilon, most where the map is faint, as the last is.
        check(found[:-1], expected[:-1], 1e-4)
    else:
        check(found, expected)
