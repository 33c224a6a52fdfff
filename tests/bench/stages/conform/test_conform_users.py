"""A user's function through the command: the page's examples, and what is refused in a line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from bench.__main__ import main
from bench.engine.worker import Row
from bench.record.cell import Cell
from bench.record.runs import read
from bench.stages.conform import user_module, users
from bench.subject.names import pick_columns
from bench.subject.request import Request
from bench.truth import claims
from implementations.architecture import graph, weights
from implementations.errors import BadInput

PAGE = (Path(__file__).parents[4] / "docs" / "conform.md").read_text("utf-8")
EXAMPLES = dict(re.findall(r"^`(\w+)\.py`.*?^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
"""The modules that the page shows, by name."""
Told = Callable[..., tuple[int, str, str]]


@pytest.fixture
def conform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Told:
    """The status, answer and last line of a command on a module in the current directory."""
    monkeypatch.chdir(tmp_path)

    def run(explainer: str, text: str, *more: str) -> tuple[int, str, str]:
        (tmp_path / f"{explainer.partition(':')[0]}.py").write_text(text)
        status = main(["conform", "--explainer", explainer, "--results", "results", *more])
        said = capsys.readouterr()
        return status, said.out, said.err.strip().splitlines()[-1]

    return run


def test_the_page_has_three_short_examples() -> None:
    assert [len(text.splitlines()) <= 15 for text in EXAMPLES.values()] == [True] * 3


def test_the_pytorch_example_is_the_same_everywhere(conform: Told, tmp_path: Path) -> None:
    status, said, _ = conform("my_grad_cam:grad_cam", EXAMPLES["my_grad_cam"])
    assert status == 0 and said.startswith("my_grad_cam:grad_cam in pytorch, held against grad_cam")
    assert re.search(r"^  softmax host +same up to: score probability$", said, re.MULTILINE)
    assert re.search(r"^  reused host +same$", said, re.MULTILINE)
    (path,) = (tmp_path / "results" / "runs").iterdir()
    rows = read(path)[1]
    assert len(rows) > 30 and {row["explainer"] for row in rows} == {"my_grad_cam:grad_cam"}
    assert "my_grad_cam:grad_cam" in (tmp_path / "results/tables/conformance.md").read_text()


def folder(path: Path, filters: int = 3, side: int = 11) -> str:
    """A network's folder: two convolutions of random weights, each with a ReLU."""
    conv = {"kind": "conv", "filters": filters, "kernel": 3}
    nodes = [
        {"name": "conv1", "inputs": "input", **conv},
        {"name": "relu1", "kind": "relu", "inputs": "conv1"},
        {"name": "conv2", "inputs": "relu1", **conv},
        {"name": "relu2", "kind": "relu", "inputs": "conv2"},
        {"name": "gap1", "kind": "global_average_pool", "inputs": "relu2"},
        {"name": "dense1", "kind": "dense", "inputs": "gap1", "units": 4},
    ]
    form = {"input_shape": [side, side + 1, 3], "classes": 4, "nodes": nodes}
    path.mkdir()
    (path / "architecture.json").write_text(json.dumps(form))
    given = weights.randomise(graph.parse(form, "mine"), 0)
    weights.save(path / "weights.safetensors", given)
    return str(path)


def test_a_network_of_a_folder_stands_for_the_probes(conform: Told, tmp_path: Path) -> None:
    mine = folder(tmp_path / "mine")
    asked = ("my_grad_cam:grad_cam", EXAMPLES["my_grad_cam"], "--network", mine)
    status, said, _ = conform(*asked)
    assert status == 0 and re.match(r"my_grad_cam:grad_cam in pytorch on mine-\w{12}, held", said)
    lines = [line for line in said.splitlines() if line.startswith("  ")]
    assert not [line for line in lines if "probe" in line or "differs" in line]
    assert {"base", "reused host", "permuted"} <= {line.split("  ")[1].strip() for line in lines}
    table = (tmp_path / "results/tables/conformance.md").read_text()
    assert "my_grad_cam:grad_cam (pytorch) on mine-" in table


def test_a_network_that_is_too_large_is_refused_in_a_line(conform: Told, tmp_path: Path) -> None:
    large = folder(tmp_path / "large", filters=64, side=64)
    asked = ("my_grad_cam:grad_cam", EXAMPLES["my_grad_cam"], "--network", large)
    status, _, last = conform(*asked)
    assert status == 2 and "operations an image; `conform` takes up to 1e+08" in last


def test_the_keras_example_meets_a_model_in_a_model(conform: Told) -> None:
    status, said, last = conform("my_keras_cam:grad_cam", EXAMPLES["my_keras_cam"])
    wrong = [line for line in said.splitlines() if "raises" in line and "runs:" not in line]
    assert status == 3 and [line.split()[0] for line in wrong] == ["nested"]
    assert "in keras[tensorflow]" in said and "(my_keras_cam.py:6)" in wrong[0]
    assert last.startswith("CHECK FAILED") and "nested host: raises" in last


def rows(folder: Path, name: str, text: str, framework: str, like: str) -> Iterator[Row]:
    """The rows of a function in this process."""
    (folder / f"{name.partition(':')[0]}.py").write_text(text)
    cell = Cell(
        stage="conform", framework=framework, method=like, explainer=name, dataset="probes",
        architecture="probes", weights="probes",
    )  # fmt: skip
    return users.measure(cell, {users.FOLDERS: [str(folder)], users.VERSION: ""})


def test_the_jax_example_is_the_same_in_the_first_runs(tmp_path: Path) -> None:
    every = rows(tmp_path, "my_nnx_cam:grad_cam", EXAMPLES["my_nnx_cam"], "jax", "grad_cam")
    found = {row["condition"]: users.said(row) for row in islice(every, 6)}
    assert found.pop("softmax host") == "same up to: score probability"
    assert {"base", "train host", "jit host"} < found.keys() and set(found.values()) == {"same"}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("no_maps", "    return images\n", "on the base probe it raises: ValueError: it returned"),
        ("fails", "    return 1 / 0\n", "ZeroDivisionError: division by zero (fails.py:4)"),
    ],
)
def test_what_gives_no_maps_of_the_base_probe_is_one_line_and_leaves_nothing(
    name: str, text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    head = "import torch\n\ndef f(model, images, targets, layer):\n"
    Path(f"{name}.py").write_text(head + text)
    assert main(["conform", "--explainer", f"{name}:f", "--results", "results"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and words in said.err
    left = [each.name for each in tmp_path.iterdir() if each.name != "__pycache__"]
    assert left == [f"{name}.py"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("away:f", "import nobodys_package", "ModuleNotFoundError: No module named 'nobodys_"),
        ("broken:f", "def f(:", "SyntaxError"),
        ("leaves:f", "raise SystemExit(0)", "SystemExit: 0 (leaves.py:1)"),
        ("near:grad_cma", "def grad_cam(a, b, c, d): ...", "did you mean grad_cam?"),
        ("none:f", "", "it has none"),
        ("number:f", "f = 3", "it is a int; name a function"),
        ("keyword:f", "", "a module that Python or a package has; rename yours"),
        ("short:f", "def f(model, images): ...", "it takes (model, images); it must take (model"),
        ("named:f", "def f(model, images, targets, *, layer): ...", "it must take (model"),
    ],
)  # fmt: skip
def test_what_is_no_such_function(name: str, text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / f"{name.partition(':')[0]}.py").write_text(text)
    with pytest.raises(BadInput, match=f"^--explainer {name}: ") as refused:
        user_module.load(name, [str(tmp_path)])
    assert words in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def grad_cma(a, b, c, d): ...", "did you mean grad_cma?"),
        ("", "it has none"),
        ("def grad_cam(model, images): ...", "it takes (model, images); it must take (model"),
        ("def grad_cam(model, images, targets, *, layer): ...", "it must take (model"),
        ("def grad_cam(model, images, targets): ...", "it must take (model"),
        ("from torch import *", ""),
        ("from torch import relu as grad_cam", ""),
        ("def grad_cam(*given, **rest): ...", ""),
        ("def grad_cam(a, b, c, d, e=3): ...", ""),
        ("grad_cam = 3", ""),
        ("def f(:", ""),
    ],
)  # fmt: skip
def test_what_the_text_alone_says_is_refused_before_a_child_starts(
    text: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text)
    if not words:
        user_module.check("mine:grad_cam", path)
        return
    with pytest.raises(BadInput, match=r"^--explainer mine:grad_cam: ") as refused:
        user_module.check("mine:grad_cam", path)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "it returned None, not an array of maps (6, h, w)"),
        ([[1.0]], "it returned a list"),
        (np.zeros((6, 1, 3, 3)), "an array (6, 1, 3, 3), not"),
        (np.zeros((1, 3, 3)), "an array (1, 3, 3), not an array of maps (6, h, w)"),
        (np.float64(1), "an array (), not"),
    ],
)
def test_what_are_no_maps(found: object, words: str) -> None:
    with pytest.raises((TypeError, ValueError)) as refused:
        user_module.maps(found, 6)
    assert words in str(refused.value)


def test_one_that_ends_the_process_raises(tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text("def f(*given):\n    raise SystemExit(3)\n")
    function = user_module.load("ends:f", [str(tmp_path)])
    with pytest.raises(RuntimeError, match="it ends the process by SystemExit: 3"):
        function(None, [1], [0], "relu1")
    assert not function.refused


def test_a_users_own_line_and_word_are_told(tmp_path: Path) -> None:
    text = "def f(model, images, targets, layer):\n    {}\n"
    for body, refused in (("raise ValueError('no')", True), ("return images[99]", False)):
        name = f"told_{refused}".lower()
        (tmp_path / f"{name}.py").write_text(text.format(body))
        function = user_module.load(f"{name}:f", [str(tmp_path)])
        with pytest.raises((ValueError, IndexError)):
            function(None, [1], [0], "relu1")
        assert (function.line, function.refused) == (f"{name}.py:2", refused)


def test_what_is_another_formula_or_nothing_known_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "SECONDS", 60.0)
    text = EXAMPLES["my_grad_cam"]
    base = {
        like: next(rows(tmp_path, "other_cam:grad_cam", text, "pytorch", like))
        for like in ("grad_cam[reduction=mean]", "saliency")
    }
    other = base["grad_cam[reduction=mean]"]
    assert other["agree"] is False
    assert users.said(other).startswith("other formula: formula grad_cam[reduction=sum]")
    assert re.fullmatch(r"differs; error \S+ of the peak", users.said(base["saliency"]))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("import torch", "pytorch"),
        ("from keras import ops", "keras[tensorflow]"),
        ("import tensorflow as tf", "keras[tensorflow]"),
        ("import keras, torch", "keras[torch]"),
        ("import jax, keras", "keras[jax]"),
        ("import jax", "jax"),
        ("from flax import nnx", "jax"),
    ],
)
def test_a_modules_imports_say_whose_models_it_takes(text: str, label: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(text)
    found = users.columns(Request(command="conform", explainer="module:f"), path)
    assert [column.label for column in found] == [label]


def test_columns_without_a_host_and_modules_that_import_none(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("import numpy")
    asked = Request(command="conform", explainer="module:f")
    with pytest.raises(BadInput, match=r"imports no framework .* name --frameworks"):
        users.columns(asked, path)
    request = Request(
        command="conform", explainer="module:f", columns=pick_columns(["onnxruntime"])
    )
    with pytest.raises(BadInput, match="--frameworks onnxruntime: no host is written in it"):
        users.columns(request, path)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--explainer", "nowhere:f"], "no module 'nowhere'; it is looked for in"),
        (["--explainer", "mine.py:f"], "names a file; name its module"),
        (["--explainer", "mine"], "must be MODULE:FUNCTION"),
        (["--explainer", "json:dumps", "--like", "grad_cma"], "did you mean grad_cam"),
        (["--explainer", "json:dumps", "--like", "rise"], "it draws random numbers"),
        (["--explainer", "json:dumps", "--libraries", "captum"], "exclude each other"),
        (["--explainer", "json:dumps", "--methods", "saliency"], "name --like"),
    ],
)
def test_bad_requests(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["conform", *words, "--results", "results"]) == 2
    assert told in capsys.readouterr().err.splitlines()[-1]
