"""Keras on its three backends: what each answers, in a process of its own, against the oracle."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras_answers
import numpy as np
import pytest
from keras_answers import (
    LOGIT_TARGETS,
    LOGITS,
    MODES,
    STAGES,
    cases,
    inputs,
    rectified,
)
from numpy.typing import NDArray
from oracle_maps import explained

from implementations.architecture.weights import randomise
from implementations.contract import RELU_RULES, SCORES
from implementations.oracle import runtime
from implementations.oracle.network import Reference
from implementations.oracle.scores import score, score_gradient

ROOT = Path(__file__).parents[4]
BACKENDS = ("tensorflow", "jax", "torch")
TAKEN = (
    'The name "pad" is used 2 times in Keras\' model, where an operation has it too; '
    "rename the node"
)


@pytest.fixture(scope="module", params=BACKENDS)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    backend = request.param
    for package in ("keras", backend):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    out = tmp_path_factory.mktemp(backend) / "found.npz"
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "PYTHONPATH": str(ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "1" if backend == "jax" else "0",
    }
    command = [sys.executable, keras_answers.__file__, backend, str(out)]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(out, allow_pickle=False) as arrays:
        return backend, dict(arrays)


def expected(case: str) -> tuple[Reference, Any, Any, str]:
    architecture, layer = cases()[case]
    network = runtime.build(architecture, randomise(architecture, 0))
    images, targets = runtime.put(network, *inputs(architecture))
    return network, images, targets, layer


def gap(found: NDArray[Any], wanted: NDArray[Any]) -> float:
    assert found.shape == wanted.shape
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def tolerance(precision: str) -> float:
    return {"float32": 2e-6, "float64": 1e-12}[precision]


def test_stages_are_the_oracles(found: Any) -> None:
    backend, arrays = found
    compared = 0
    for case in cases():
        network, images, targets, layer = expected(case)
        stages = explained("grad_cam", network, images, targets, layer=layer, score="probability")
        for precision in ("float32", "float64") if backend == "tensorflow" else ("float32",):
            allowed = tolerance(precision)
            assert gap(arrays[f"{case}/{precision}/logits"], network(images)) < allowed
            for mode in MODES[backend]:
                for stage in STAGES:
                    value = arrays.get(f"{case}/{precision}/{mode}/{stage}")
                    if value is not None:
                        assert value.dtype == precision
                        assert gap(value, stages[stage]) < allowed, (case, mode, stage)
                        compared += 1
    assert compared == {"tensorflow": 70, "jax": 30, "torch": 20}[backend]


def test_compiled_once(found: Any) -> None:
    _, arrays = found
    for name, count in arrays.items():
        if name.startswith("compiled/"):
            assert count == (0 if name.endswith("eager") else 1), name


def test_relu_rules_are_the_oracles(found: Any) -> None:
    _, arrays = found
    architecture = rectified()
    network = runtime.build(architecture, randomise(architecture, 0))
    images, targets = runtime.put(network, *inputs(architecture))
    for rule in RELU_RULES:
        wanted = network.with_relu(rule).pull_back("input", images, {}, targets, "logit")
        for mode in ("eager", "compiled"):
            assert gap(arrays[f"relu/{mode}/{rule}"], wanted) < 2e-6
    plain = network.pull_back("input", images, {}, targets, "logit")
    assert gap(arrays["relu/eager/guided"], plain) > 0.01


@pytest.mark.parametrize("name", SCORES)
def test_scores_are_sound_in_saturation(found: Any, name: str) -> None:
    _, arrays = found
    logits = LOGITS.astype(np.float64)
    # What float32 holds only as a subnormal number, the backends may flush to zero.
    wanted = score(name, logits, LOGIT_TARGETS)
    np.testing.assert_allclose(arrays[f"score/{name}"], wanted, rtol=2e-5, atol=1e-37)
    gradient = score_gradient(name, logits, LOGIT_TARGETS)
    np.testing.assert_allclose(arrays[f"score_gradient/{name}"], gradient, rtol=2e-5, atol=1e-37)


def test_resize_has_half_pixel_centres(found: Any) -> None:
    _, arrays = found
    row = np.array([0, 0.25, 0.75, 1])
    wanted = 1 + row[None, :] + 2 * row[:, None]
    for name in ("resize/float32", "resize/float64"):
        if name in arrays:
            np.testing.assert_allclose(arrays[name][0], wanted, rtol=1e-7)


def test_weights_round_trip(found: Any) -> None:
    backend, arrays = found
    for case, (architecture, _) in cases().items():
        tensors = randomise(architecture, 0)
        for precision in ("float32", "float64") if backend == "tensorflow" else ("float32",):
            for name, value in tensors.items():
                kept = arrays[f"tensors/{case}/{precision}/{name}"]
                assert kept.dtype == precision
                np.testing.assert_array_equal(kept, value)


def test_probe_is_honest(found: Any) -> None:
    backend, arrays = found
    assert str(arrays["probe/float32/eager"]) == ""
    assert str(arrays["probe/bfloat16/eager"]) == ""
    float64 = str(arrays["probe/float64/eager"])
    assert float64 == "" if backend == "tensorflow" else "in float32" in float64
    xla = str(arrays["probe/float32/xla"])
    assert xla == "" if backend == "tensorflow" else "xla" in xla
    assert "GPU" in str(arrays["probe/tf32/eager"])
    assert "GPU" in str(arrays["probe/gpu"])
    assert list(arrays["versions"]) == sorted(["keras", backend])


def test_nothing_is_built_while_tracing(found: Any) -> None:
    _, arrays = found
    assert "network.split('conv1')" in str(arrays["unsplit"])


def test_a_node_named_like_an_operation_of_its_own_is_to_be_renamed(found: Any) -> None:
    _, arrays = found
    assert str(arrays["taken"]) == TAKEN


def test_training_lowers_the_loss_and_matches_its_formula(found: Any) -> None:
    _, arrays = found
    for name in ("losses/matched/compiled", "losses/sgd/compiled", "losses/matched/eager"):
        losses = arrays[name]
        assert losses.shape == (8,)
        assert losses[-3:].mean() < losses[:3].mean()
    # The two ways of training run the same arithmetic.
    np.testing.assert_allclose(
        arrays["losses/matched/compiled"], arrays["losses/matched/eager"], rtol=1e-4
    )


def test_resumes_bit_equal(found: Any) -> None:
    _, arrays = found
    first, again = arrays["resume/losses"]
    assert len(first) == 3
    np.testing.assert_array_equal(first, again)
    assert not list(arrays["resume/equal"])
    names = list(arrays["resume/names"])
    assert "optimizer/dropout1.generator" in names
    assert "optimizer/conv1_kernel_velocity" in names
    assert "'optimizer/" in str(arrays["resume/missing"])
