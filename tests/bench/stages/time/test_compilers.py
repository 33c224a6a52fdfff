from __future__ import annotations

import pytest

from bench.stages.time import compilers
from implementations import frameworks
from implementations.traits import Traits

TRAITS = {column.traits.arrays: column.traits for column in frameworks.columns() if column.own}


def test_whatever_jax_compiles_is_counted_and_only_once() -> None:
    jax = pytest.importorskip("jax")
    count = compilers.counting(frameworks.load("jax"), TRAITS["jax"], "train_step")
    assert count is not None
    doubled = jax.jit(lambda array: 2 * array)
    ones = {n: jax.numpy.ones(n) for n in (3, 4)}
    counts = []
    for n in (3, 3, 4):
        before = count()
        doubled(ones[n]).block_until_ready()
        counts.append(count() - before)
    assert counts == [1, 0, 1]


@pytest.mark.parametrize(
    ("compiled", "arrays", "task", "words"),
    [
        (0, "torch", "train_step", "nothing"), (0, "jax", "forward", "nothing"),
        (8, "jax", "train_step", ""), (99, "jax", "train_step", "99 programs"),
        (99, "tensorflow", "train_step", ""), (99, "jax", "heatmap", ""),
    ],
)  # fmt: skip
def test_what_ran_eagerly_is_told(compiled: int, arrays: str, task: str, words: str) -> None:
    told = compilers.eager(compiled, TRAITS[arrays], task)
    assert words in told and bool(words) == bool(told)


def test_a_framework_counts_what_it_prepares_and_pytorch_all() -> None:
    pytest.importorskip("torch")
    framework = frameworks.load("pytorch")
    for arrays, task in (("torch", "train_step"), ("torch", "heatmap"), ("jax", "forward")):
        assert compilers.counting(framework, TRAITS[arrays], task) == framework.compilations
    assert compilers.counting(framework, Traits(), "train_step") is None


def test_whatever_tensorflow_traces_is_counted_and_only_once() -> None:
    tensorflow = pytest.importorskip("tensorflow")
    framework = frameworks.load("reference")
    count = compilers.counting(framework, TRAITS["tensorflow"], "train_step")
    assert count is not None
    doubled = tensorflow.function(lambda array: 2 * array)
    ones = {n: tensorflow.ones(n) for n in (3, 4)}
    traced = []
    for n in (3, 3, 4):
        before = count()
        doubled(ones[n])
        traced.append(count() > before)
    assert traced == [True, False, True]
    before = count()
    tensorflow.matmul(tensorflow.ones((3, 5)), tensorflow.ones((5, 7)))
    assert count() == before  # run eagerly, nothing is traced
