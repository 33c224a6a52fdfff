from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.stages.time import counted
from implementations import frameworks
from implementations.methods.gradient import saliency


class Network:
    """Three entries, one of which goes through another."""

    def __call__(self, images: Any) -> Any:
        return self.head("relu1", images, {})

    def head(self, layer: str, activations: Any, rest: Any) -> Any:
        return 2 * activations

    def tapped(self, images: Any, offsets: Any) -> Any:
        return images, offsets


def test_every_image_that_reaches_the_logits_counts_once() -> None:
    network, before = Network(), dict(vars(Network))
    with counted.evaluations(network) as counts:
        network(np.ones(3))
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


def test_what_jax_compiles_inside_is_seen() -> None:
    jax = pytest.importorskip("jax")
    look = frameworks.column("jax").traits.compiled_inside
    assert look is not None

    def twice(array: Any) -> Any:
        return jax.numpy.tanh(array @ array) @ array

    ones = jax.numpy.ones((3, 3))
    assert look(twice, (ones,)) == ""
    assert "2 convolutions and matrix products" in look(lambda a: 1 + jax.jit(twice)(a), (ones,))
    assert look(lambda array: float(array.sum()), (ones,)) == ""  # cannot be traced
