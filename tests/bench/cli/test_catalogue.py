from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.engine.child import ROOT
from bench.subject.catalogue import TEMPLATE
from implementations.architecture import graph, registered
from implementations.architecture.shapes import operations, summary

LIST = """
import sys
from bench.__main__ import main
from bench.subject.catalogue import TEMPLATE
status = main(sys.argv[1:])
from implementations import frameworks
loaded = sorted(sys.modules.keys() & (frameworks.packages() | {"captum", "shap", "flax"}))
print(status, *loaded, file=sys.stderr)
"""


def test_list_answers_at_once() -> None:
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "bench", "list"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        seconds.append(used)
    assert statistics.median(seconds) < 1, seconds


def test_list_imports_no_framework() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIST, "list", "--json"], cwd=ROOT, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stderr.split() == ["0"]
    found = json.loads(done.stdout)
    assert {column["column"] for column in found["columns"]} >= {"jax", "pytorch", "keras[jax]"}
    method = next(each for each in found["methods"] if each["method"] == "integrated_gradients")
    points = method["options"]["points"]
    assert points["kind"] == "number" and points["minimum"] <= points["default"] == 50
    assert {"jax", "pytorch", "keras", "reference"} <= set(method["frameworks"])
    assert method["score"] in found["scores"]
    assert {"agree", "time"} <= {stage["stage"] for stage in found["stages"]}
    network = next(e for e in found["architectures"] if e["architecture"] == "cnn-32-16-8")
    assert network["parameters"] > 10_000 and network["layers"][0] == "conv1"
    assert {each["library"] for each in found["libraries"]} >= {"captum", "shap"}
    assert {"digits", "shapes"} <= set(found["datasets"]) and found["metrics"]


def test_list_may_be_read_in_part() -> None:
    command = [sys.executable, "-m", "bench", "list", "--json"]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None and child.stderr is not None
    child.stdout.close()
    with child.stderr:
        assert (child.stderr.read(), child.wait()) == (b"", 0)


def test_list_reads_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    for name in ("columns", "keras[torch]", "grad_cam", "captum", "cnn-gap", "float64", "topk_iou"):
        assert name in said


def test_the_form_of_a_file_can_be_taken_from_the_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list"]) == 0
    path = tmp_path / "mine.json"
    path.write_text("{" + capsys.readouterr().out.partition("{")[2])
    mine, theirs = graph.read(path), registered.get(TEMPLATE)
    assert mine.nodes == theirs.nodes


def test_show_is_of_a_file_as_of_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(graph.document(registered.get("cnn-gap"))))
    found = []
    for name in ("cnn-gap", str(path)):
        assert main(["show", "--architecture", name, "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0]["nodes"] == found[1]["nodes"]
    architecture = registered.get("cnn-gap")
    assert found[0]["parameters"] == sum(row[3] for row in summary(architecture))
    assert found[0]["operations"] == operations(architecture)
    conv = found[0]["nodes"][0]
    # 3 x 3 kernels of one channel and a bias, and two operations a multiply-add and position.
    assert conv["shape"] == [28, 28, 32] and conv["parameters"] == 32 * 10
    assert conv["operations"] == 2 * 28 * 28 * 32 * 9
    assert main(["show", "--architecture", "cnn-gap"]) == 0
    said = capsys.readouterr().out
    for node in found[0]["nodes"]:
        assert node["layer"] in said and f"{node['parameters']:,}" in said
    assert f"by default at {found[0]['default_layer']}" in said
    assert main(["show", "--architecture", "mlp-512-100"]) == 0
    assert "no heatmaps at a layer" in capsys.readouterr().out
