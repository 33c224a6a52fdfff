"""A user's JSON architecture, called like a registered one, in the commands that run stages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.__main__ import main
from bench.engine.child import ROOT
from bench.record import runs
from bench.subject import names
from implementations.architecture import graph, registered, weights
from implementations.errors import BadInput


@pytest.fixture
def mine(small: Any, tmp_path: Path) -> Path:
    """A folder with `cnn-gap.json`, whose layers are other ones, and `out` with its weights."""
    folder = tmp_path / "mine"
    folder.mkdir()
    form = json.loads(Path(small.cell.architecture).read_text())
    (folder / "cnn-gap.json").write_text(json.dumps({**form, "name": "cnn-gap"}))
    known = registered.take(str(folder / "cnn-gap.json"))
    made = weights.initialise(small.architecture, 1)
    place = folder / "out" / "weights" / f"digits--{known}.safetensors"
    place.parent.mkdir(parents=True)
    weights.save(place, made)
    return folder


def test_it_is_known_by_what_it_holds(mine: Path) -> None:
    path = mine / "cnn-gap.json"
    known = registered.take(str(path))
    assert known.startswith("cnn-gap-") and registered.get(known).name == known
    assert len(registered.get(known).nodes) != len(registered.get("cnn-gap").nodes)
    assert registered.typed(known) == str(path) and registered.typed("cnn-gap") == "cnn-gap"
    forms = registered.forms([known, "cnn-gap"])
    assert list(forms) == [known]
    registered.include(json.loads(json.dumps(forms)))
    assert registered.get(known).nodes and registered.typed(known) == known
    form = json.loads(path.read_text())
    form["nodes"][0]["filters"] = 5
    path.write_text(json.dumps(form))
    assert registered.take(str(path)) != known


@pytest.mark.parametrize(
    ("command", "stage"),
    [
        ("agree --methods grad_cam --precisions float32", "agree"),
        ("time --grid quick --rounds 1 --modes eager --batch 8", "time"),
        ("contrast --methods grad_cam", "contrast"),
    ],
)
def test_every_stage_is_of_the_file(mine: Path, command: str, stage: str) -> None:
    """By a relative path, from another folder than the children's."""
    pytest.importorskip("torch")
    words = (
        f"{command} --dataset digits --frameworks pytorch --architectures cnn-gap.json --images 8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "bench", *words.split(), "--results", "out"], cwd=mine,
        check=False, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode in (0, 3), done.stderr
    ((_, rows),) = runs.published(mine / "out")
    known = registered.take(str(mine / "cnn-gap.json"))
    assert {row["architecture"] for row in rows} == {known}
    fine = [row for row in rows if row["stage"] == stage and row["status"] == "ok"]
    assert fine and (stage != "agree" or done.returncode == 0), done.stderr


@pytest.fixture
def folder(mine: Path) -> Path:
    """The same network as a folder of its two files."""
    made = mine / "net"
    made.mkdir()
    (mine / "cnn-gap.json").rename(made / "architecture.json")
    (stored,) = (mine / "out" / "weights").iterdir()
    stored.rename(made / "weights.safetensors")
    return made


def test_a_folder_is_a_network_that_has_its_weights(folder: Path) -> None:
    from bench.job.plans import planned
    from bench.subject.inputs import shared_weights
    from bench.subject.request import Request

    networks = names.pick_networks([str(folder)])
    (known,) = networks
    assert known.startswith("net-")
    request = Request(command="agree", datasets=("digits",), networks=networks)
    assert request.architectures == networks
    assert planned("agree", request) == [("digits", known, "given")]
    assert shared_weights("digits", known) == folder / "weights.safetensors"
    (folder / "weights.safetensors").unlink()
    with pytest.raises(BadInput, match=r"no weights.safetensors in it; `python -m bench import`"):
        names.pick_networks([str(folder)])


def test_stages_take_a_folder_in_the_runtime_that_deploys_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    common = f"--dataset digits --network {folder} --images 8 --results {folder.parent}/runs"
    assert main(f"judge --judge onnxruntime {common}".split()) == 2
    assert "are kept; `python -m bench contrast` keeps them" in capsys.readouterr().err
    words = f"agree --frameworks onnxruntime --methods random_cam --precisions float32 {common}"
    assert main(words.split()) == 0, capsys.readouterr().err
    ((_, rows),) = runs.published(folder.parent / "runs")
    fine = [row for row in rows if row["status"] == "ok" and row["framework"] == "onnxruntime"]
    assert {row["architecture"] for row in fine} == set(names.pick_networks([str(folder)]))


def test_methods_that_are_not_of_a_network_leave_rows_that_say_why(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    form = json.loads((folder / "architecture.json").read_text())
    for node in form["nodes"]:
        node["kind"] = {"relu": "silu"}.get(node["kind"], node["kind"])
    (folder / "architecture.json").write_text(json.dumps(form))
    words = (
        f"agree --frameworks pytorch --methods lrp guided_backprop saliency --dataset digits "
        f"--network {folder} --images 4 --results {folder.parent}/runs --precisions float32"
    )
    assert main(words.split()) == 0, capsys.readouterr().err
    ((_, rows),) = runs.published(folder.parent / "runs")
    told = {(row["method"], row["status"], row.get("reason", "")) for row in rows}
    left = {method: reason for method, status, reason in told if status == "skipped"}
    assert set(left) == {"lrp", "guided_backprop"} and all("silu" in why for why in left.values())
    assert ("saliency", "ok", "") in told


def test_explain_and_show_take_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    height, width, channels = graph.read(folder / "architecture.json").input_shape
    np.save(folder.parent / "images.npy", np.full((2, height, width, channels), 0.5, np.float32))
    out = folder.parent / "maps.safetensors"
    words = (
        f"explain --framework reference --network {folder} --method grad_cam "
        f"--images {folder.parent}/images.npy --out {out}"
    )
    assert main(words.split()) == 0
    assert weights.load(out)["heatmap"].shape[0] == 2
    assert main(["show", "--network", str(folder)]) == 0
    assert "parameters" in capsys.readouterr().out
    for more, said in (("--weights a", "name one"), ("--architecture a", "name one")):
        assert main([*words.split(), *more.split()]) == 2
        assert said in capsys.readouterr().err
    assert main(["show"]) == 2
    assert "name --architecture, or --network FOLDER" in capsys.readouterr().err


@pytest.mark.parametrize("there", [False, True])
def test_a_refused_run_leaves_a_new_folder_as_it_was(
    there: bool, small: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, results = tmp_path / "wide", tmp_path / "results"
    folder.mkdir()
    if there:
        results.mkdir()
    form = json.loads(Path(small.cell.architecture).read_text())
    wide = {**form, "name": "wide", "input_shape": [32, 32, 1]}
    (folder / "architecture.json").write_text(json.dumps(wide))
    weights.save(folder / "weights.safetensors", weights.initialise(graph.parse(wide, "wide"), 1))
    words = f"agree --dataset digits --images 8 --network {folder} --results {results}"
    assert main(words.split()) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "reads (32, 32, 1), not (28, 28, 1) images" in said
    assert results.exists() == there
