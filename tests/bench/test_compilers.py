from __future__ import annotations

import pytest

from bench import compilers
from implementations import frameworks


def test_whatever_jax_compiles_is_counted_and_only_once() -> None:
    jax = pytest.importorskip("jax")
    count = compilers.counting(frameworks.load("jax"), "jax", "train_step")
    assert count is not None
    doubled = jax.jit(lambda array: 2 * array)
    ones = {n: jax.numpy.ones(n) for n in (3, 4)}
    counts = []
    for n in (3, 3, 4):
        before = count()
        doubled(ones[n]).block_until_ready()
        counts.append(count() - before)
    assert counts == [1, 0, 1]


def test_a_framework_counts_what_it_prepares_and_pytorch_all() -> None:
    pytest.importorskip("torch")
    framework = frameworks.load("pytorch")
    for arrays, task in (("torch", "train_step"), ("torch", "heatmap"), ("jax", "forward")):
        assert compilers.counting(framework, arrays, task) == framework.compilations
    assert compilers.counting(framework, "tensorflow", "train_step") is None
