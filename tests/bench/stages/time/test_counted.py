from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.record.cell import Cell
from bench.stages.time import counted
from bench.subject import explainer
from implementations import frameworks, methods
from implementations.architecture import registered, weights
from implementations.methods.gradient import saliency
from implementations.methods.passes import blocks


class Network:
    """Three entries, one of which goes through another."""

    def __call__(self, images: Any) -> Any:
        return self.head("relu1", *self.features("relu1", images))

    def features(self, layer: str, images: Any) -> Any:
        return images, {}

    def head(self, layer: str, activations: Any, rest: Any) -> Any:
        return 2 * activations

    def tapped(self, images: Any, offsets: Any) -> Any:
        return images, offsets


def test_every_image_that_goes_in_counts_once() -> None:
    network, before = Network(), dict(vars(Network))
    with counted.evaluations(network) as counts:
        network(np.ones(3))
        network.features("relu1", np.ones(4))
        for _ in range(10):  # a class at a time, from activations that are there
            network.head("relu1", np.ones(4), {})
        network.tapped(np.ones(5), {})
    assert counts == [3, 4, 5]
    network(np.ones(3))
    assert counts == [3, 4, 5] and dict(vars(Network)) == before


def test_code_that_runs_is_told_by_its_folder(tmp_path: Path) -> None:
    here = Path(__file__).parent
    numbers = Path(np.__file__).parent
    ran = counted.visited(lambda: np.median([1.0, 2.0]), {"numpy": [numbers], "here": [tmp_path]})
    assert ran == {"numpy"}
    assert counted.visited(lambda: None, {"here": [here]}) == {"here"}  # the lambda itself


def test_an_answer_is_theirs_where_their_code_ran_and_none_of_ours() -> None:
    assert counted.not_theirs(lambda: np.median([1.0]), "numpy") == ""
    assert "no code of numpy" in counted.not_theirs(lambda: None, "numpy")

    def ours_runs() -> None:
        options: Any = None
        network: Any = None
        saliency.reference(network, "", options, lambda explain: explain)

    assert "ours" in counted.not_theirs(ours_runs, "numpy")


def test_one_pass_repeats_nothing_and_many_less_than_one_each() -> None:
    assert counted.repeated(1, 1) == counted.repeated(1000, 1) == 0
    assert counted.repeated(1002, 25) == 24
    # Of images one by one, each a pass, not every one may be made twice.
    assert counted.repeated(1000, 1000) == 50
    for count in (65, 100, 784, 962, 1002, 1804):
        for most in (7, 41, 83, 512):
            made = list(blocks(count, most))
            again = sum(known for _, known in made)
            assert again <= len(made) - 1


def test_what_jax_compiles_inside_is_seen() -> None:
    jax = pytest.importorskip("jax")
    look = frameworks.column("jax").traits.compiled_inside
    assert look is not None

    def products(array: Any) -> Any:
        return jax.numpy.tanh(array @ array @ array) @ array @ array

    ones = jax.numpy.ones((3, 3))
    assert look(products, (ones,)) == ""
    assert "4 convolutions and matrix products" in look(lambda a: 1 + jax.jit(products)(a), (ones,))
    # A function of JAX's own is compiled, with two products in it.
    assert look(lambda a: jax.image.resize(a, (6, 6), "bilinear"), (ones,)) == ""
    assert look(lambda array: float(array.sum()), (ones,)) == ""  # cannot be traced


@pytest.mark.parametrize("name", methods.names())
def test_no_method_of_ours_evaluates_more_than_it_states(name: str) -> None:
    pytest.importorskip("torch")
    cell = Cell(
        stage="time", framework="pytorch", method=name, dataset="digits", architecture="cnn-gap"
    )
    architecture = registered.get("cnn-gap", (28, 28, 1), 10)
    bound = explainer.build(cell, architecture, weights.randomise(architecture, 0))
    images = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    given = bound.put(images, np.zeros(2))
    with counted.evaluations(bound.network) as counts:
        bound.call(*given)
    stated = bound.evaluations
    assert 0 < sum(counts) / 2 <= stated + counted.repeated(stated, len(counts))


@pytest.mark.parametrize("name", methods.names())
def test_a_method_of_ours_is_compiled_where_it_is_called_that(name: str) -> None:
    pytest.importorskip("jax")
    look = frameworks.column("jax").traits.compiled_inside
    assert look is not None
    architecture = registered.get("cnn-gap", (28, 28, 1), 10)
    images = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    seen = {}
    for mode in ("eager", "compiled"):
        cell = Cell(
            stage="time", framework="jax", method=name, dataset="digits", architecture="cnn-gap",
            mode=mode,
        )  # fmt: skip
        bound = explainer.build(cell, architecture, weights.randomise(architecture, 0))
        given = bound.put(images, np.zeros(2))
        seen[mode] = look(lambda given, call=bound.call: call(*given)["heatmap"], (given,))
    assert seen["eager"] == "" and "in one program" in seen["compiled"]
