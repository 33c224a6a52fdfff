from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bench import stages, store
from bench.__main__ import COMMANDS, main
from bench.child import ROOT
from bench.plans import EMBEDDED, SWEPT

LIST = """
import sys
from bench.__main__ import main
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


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"python -m bench {command}" in capsys.readouterr().out.partition("examples:")[2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "COMMAND"),
        (["lst"], "choose from"),
        (["list", "--jsn"], "bench list: unknown argument '--jsn'; did you mean --json"),
        (["list", "--jsn=1"], "'--jsn'; did you mean --json"),
        (["list", "more"], "unknown argument 'more'; one of: -h, --help, --json"),
        (["report", "--results", ""], "--results: it is empty"),
    ],
)
def test_bad_arguments_are_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.count("\n") == 1 and "--help" in said
    assert words in said


def test_help_offers_what_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    told = {}
    for command in COMMANDS:
        with pytest.raises(SystemExit):
            main([command, "--help"])
        told[command] = " ".join(capsys.readouterr().out.split())
    for command in ("time", "sweep"):
        assert f"default: {SWEPT}, and photographs where" in told[command]
    assert f"default: {' '.join(EMBEDDED)}" in told["agree"]
    assert "reference" in told["explain"] and "reference" not in told["train"]


@pytest.mark.parametrize(
    ("row", "given"),
    [
        ({"status": "oom", "reason": "killed by the system"}, 1),
        ({"status": "skipped", "reason": "no GPU"}, 4),
    ],
)
def test_a_training_that_fails_leaves_no_run(
    row: dict[str, str], given: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def execute(run: store.Run, *asked: Any) -> list[store.Row]:
        run.add(asked[2][0], 0, [row])
        return run.rows

    monkeypatch.setattr(stages, "execute", execute)
    monkeypatch.setattr(stages.Ask, "context", lambda self, run: {})
    monkeypatch.setattr(store, "Run", partial(store.Run, results=tmp_path))
    words = "train --framework pytorch --dataset digits --architecture cnn-gap --out"
    assert main([*words.split(), str(tmp_path / "w.safetensors")]) == given
    assert capsys.readouterr().err == f"python -m bench train: {row['reason']}\n"
    assert [path.name for path in tmp_path.rglob("*")] == ["work"]


def test_what_a_broken_training_wrote_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def execute(run: store.Run, *asked: Any) -> list[store.Row]:
        (run.folder / "children.log").write_text("Traceback")
        run.add(asked[2][0], 0, [{"status": "failed", "reason": "it broke"}])
        return run.rows

    monkeypatch.setattr(stages, "execute", execute)
    monkeypatch.setattr(stages.Ask, "context", lambda self, run: {})
    monkeypatch.setattr(store, "Run", partial(store.Run, results=tmp_path))
    words = "train --framework pytorch --dataset digits --architecture cnn-gap --out"
    assert main([*words.split(), str(tmp_path / "w.safetensors")]) == 1
    (log,) = tmp_path.rglob("*.log")
    told = f"python -m bench train: it broke (what its process wrote: {log})\n"
    assert (capsys.readouterr().err, log.read_text()) == (told, "Traceback")
