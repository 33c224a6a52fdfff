"""What every method promises, over whatever is discovered, in every column that is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from implementations import methods
from implementations.architecture import graph
from implementations.architecture import weights as neutral
from implementations.errors import BadInput, Unavailable
from implementations.frameworks import forward_only, known
from implementations.methods import every_class

ROOT = Path(__file__).parents[3]
NODES = [
    {
        "name": "normalise1", "kind": "normalise", "inputs": "input", "order": [2, 0, 1],
        "mean": [0.4, 0.5, 0.6], "deviation": [0.2, 0.3, 0.4],
    },
    {"name": "conv1", "kind": "conv", "filters": 5, "kernel": 3, "inputs": "normalise1"},
    {"name": "norm1", "kind": "batch_norm", "inputs": "conv1"},
    {"name": "relu1", "kind": "relu6", "inputs": "norm1"},
    # No max-pool: at a blank image, where some rules take a gradient, all its windows are ties.
    {"name": "pool1", "kind": "average_pool", "size": 2, "stride": 2, "inputs": "relu1"},
    {"name": "conv2", "kind": "conv", "filters": 6, "kernel": 3, "inputs": "pool1"},
    {"name": "relu2", "kind": "relu", "inputs": "conv2"},
    {"name": "gap1", "kind": "global_average_pool", "inputs": "relu2"},
    {"name": "dense1", "kind": "dense", "units": 4, "inputs": "gap1"},
]  # fmt: skip
FORM = {"name": "small", "input_shape": [12, 10, 3], "classes": 4, "nodes": NODES}
ARCHITECTURE = graph.parse(FORM, "small")
BRIEF = ["full_grad", "grad_cam", "score_cam", "smooth_grad"]
"""What is compiled here where compiling takes seconds a pass: one method of each form."""
INEXACT = ("jax", "torch")
"""The backends on which Keras computes parts of a float64 network in float32."""
COLUMNS = [c for c in known() if c.missing is None]


def run(
    framework: str,
    backend: str,
    precision: str,
    folder: Path,
    mode: str = "eager",
    names: list[str] | None = None,
) -> dict[str, np.ndarray]:
    """The maps of every method in a process of its own: two frameworks never share one."""
    images = np.random.default_rng(5).random((3, 12, 10, 3)).astype(np.float32)
    (folder / "architecture.json").write_text(json.dumps(graph.document(ARCHITECTURE)))
    neutral.save(folder / "weights.safetensors", neutral.randomise(ARCHITECTURE, 6))
    np.save(folder / "images.npy", images)
    np.save(folder / "targets.npy", np.array([3, 0, 2], np.int32))
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "KERAS_BACKEND": backend or "tensorflow",
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "1" if precision == "float64" else "0",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    script = Path(__file__).with_name("explain_all.py")
    # Every option's values in the most exact precision that a column has; else the defaults.
    exact = precision == "float64" or backend in INEXACT or forward_only(framework)
    which = "options" if exact and mode == "eager" else "defaults"
    explained = " ".join(names or methods.names())
    asked = [framework, precision, mode, which, explained, str(folder)]
    arguments = [sys.executable, str(script), *asked]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return neutral.load(folder / "maps.safetensors")


def built(framework: str) -> list[str]:
    """The methods that have a builder for it."""
    return [name for name in methods.names() if methods.load(name).has(framework)]


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    return run("reference", "", "float64", tmp_path_factory.mktemp("oracle"))


@pytest.mark.parametrize("name", methods.names())
def test_a_page_is_whole(name: str) -> None:
    method = methods.load(name)
    assert method.module.__doc__
    cost = method.cost(method.resolve({}), ARCHITECTURE, method.layer(ARCHITECTURE, None))
    assert cost.evaluations >= 1
    method.builder("reference")
    for option in method.options.values():
        assert option.meaning
        assert option.parse(str(option.default)) == option.default
    with pytest.raises(BadInput, match=r"unknown option"):
        method.resolve({"no_such_option": "1"})
    with pytest.raises(Unavailable):
        method.builder("no_such_framework")


def test_stages_of_the_oracle(oracle: dict[str, np.ndarray]) -> None:
    labels = {key.split("|")[0] for key in oracle}
    assert {label.split()[0] for label in labels} == set(methods.names())
    for label in labels:
        method = methods.load(label.split()[0])
        shape = ARCHITECTURE.shapes[method.layer(ARCHITECTURE, None)]
        shape = ARCHITECTURE.input_shape if method.at == "input" else shape
        every = method.every_class or label.endswith("targets=all")
        expected = (3, *shape[:2], *([ARCHITECTURE.classes] if every else []))
        assert oracle[f"{label}|heatmap"].shape == expected
        assert oracle.get(f"{label}|signed", oracle[f"{label}|heatmap"]).shape == expected
        for key, array in oracle.items():
            if key.startswith(f"{label}|") and not key.endswith("|alone"):
                assert len(array) == 3
                assert np.isfinite(array).all()


def errors_of(
    maps: dict[str, np.ndarray], oracle: dict[str, np.ndarray], precision: str
) -> dict[str, float]:
    """How far each map is from the oracle's, of the signed map's peak and its tolerance."""
    found = {}
    for key in sorted(key for key in maps if key.endswith(("|heatmap", "|signed", "|alone"))):
        label = key.split("|")[0]
        card = methods.load(label.split()[0]).card
        expected = oracle[key]
        signed = oracle.get(f"{label}|signed", oracle[f"{label}|heatmap"])
        signed = signed[1:2] if key.endswith("|alone") else signed
        assert maps[key].dtype == np.dtype(precision), key
        assert maps[key].shape == expected.shape, key
        axes = tuple(range(1, signed.ndim))
        errors = np.abs(maps[key] - expected).max(axis=axes) / np.abs(signed).max(axis=axes)
        tolerance = max(card.tolerance, 1e-5) if precision == "float32" else card.exact
        found[key] = float(errors.max()) / tolerance
    return found


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.label)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_column_agrees_with_the_oracle(
    column: tuple[str, str, tuple[str, ...]],
    precision: str,
    oracle: dict[str, np.ndarray],
    tmp_path: Path,
) -> None:
    """Also that an image alone has the map that it has in a batch, in float32."""
    framework, backend, _ = column
    if precision == "float64" and backend in INEXACT:
        pytest.skip("Keras computes parts in float32 on this backend")
    if precision == "float64" and forward_only(framework):
        pytest.skip("it convolves in float32 only")
    errors = errors_of(run(framework, backend, precision, tmp_path), oracle, precision)
    assert {key.split("|")[0].split()[0] for key in errors} == set(built(framework))
    assert not {key: error for key, error in errors.items() if not error <= 1}


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.label)
def test_compiled_agrees_and_another_seed_compiles_nothing(
    column: tuple[str, str, tuple[str, ...]], oracle: dict[str, np.ndarray], tmp_path: Path
) -> None:
    framework, backend, packages = column
    names = BRIEF if "torch" in packages else built(framework)
    maps = run(framework, backend, "float32", tmp_path, "compiled", names)
    errors = errors_of(maps, oracle, "float32")
    assert {key.split("|")[0] for key in errors} == set(names)
    assert not {key: error for key, error in errors.items() if not error <= 1}
    again = {key: int(count) for key, count in maps.items() if key.endswith("|compiled")}
    assert again
    assert not any(again.values()), again


@pytest.mark.parametrize(
    "column",
    [c for c in COLUMNS if "torch" not in c.packages and c.framework in every_class.EVERY],
    ids=lambda column: column.label,
)
def test_every_class_compiled_is_the_oracle_s(
    column: tuple[str, str, tuple[str, ...]], tmp_path: Path
) -> None:
    names = ["hires_cam[targets=all]", "occlusion[targets=all]"]
    folders = [tmp_path / name for name in ("oracle", "column")]
    for folder in folders:
        folder.mkdir()
    oracle = run("reference", "", "float64", folders[0], names=names)
    errors = errors_of(
        run(*column[:2], "float32", folders[1], "compiled", names), oracle, "float32"
    )
    assert len(errors) == 2 * len(names)
    assert not {key: error for key, error in errors.items() if not error <= 1}


def test_an_image_alone_has_the_map_it_has_in_a_batch(oracle: dict[str, np.ndarray]) -> None:
    for key in [f"{name}|heatmap" for name in methods.names()]:
        alone = oracle[key.replace("|heatmap", "|alone")][0]
        np.testing.assert_allclose(alone, oracle[key][1], rtol=1e-9, atol=1e-12)
        # Past a ReLU two maps may both be empty.
        signed = oracle.get(key.replace("|heatmap", "|signed"), oracle[key])
        assert not np.allclose(signed[0], signed[1]), key
