from __future__ import annotations

import csv
import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.job import publishing, superseded
from bench.record import runs
from bench.record.cell import Cell
from implementations.errors import BadInput

CELL = Cell(
    stage="agree", framework="jax", method="grad_cam", dataset="digits", architecture="cnn-gap"
)


def a_run(folder: Path, day: int, batches: tuple[int, ...] = (1,)) -> str:
    """A finished run of one machine, and its id."""
    run_id = f"agree-2026010{day}T000000-m1-0000000{day}"
    head = {"run_id": run_id, "machine_id": "m1", "git_sha": "abc", "versions": {}}
    rows = [
        {"run_id": run_id, "stage": "agree", "cell_id": f"cell{batch}", "round": 0, "status": "ok",
         "code_hash": "0", "column": "jax", "framework": "jax", "task": "heatmap",
         "method": "grad_cam", "dataset": "digits", "architecture": "cnn-gap", "batch": batch,
         "compared": "heatmap", "max_rel": 1e-7, "agree": True}
        for batch in batches
    ]  # fmt: skip
    lines = [json.dumps({"head": head}), *map(json.dumps, rows)]
    path = folder / "runs" / f"{run_id}.jsonl.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    return run_id


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=n", "-c", "user.email=e")
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_runs_are_published_superseded_and_withdrawn(tmp_path: Path) -> None:
    local, results = tmp_path / "local", tmp_path / "results"
    git(tmp_path, "init", "-q")
    old, other = a_run(local, 1), a_run(local, 2, (8,))
    publishing.publish([old, other], source=local, results=results)
    assert [entry["file"].removesuffix(".jsonl.gz") for entry in runs.named(results)] == [
        old,
        other,
    ]
    assert runs.named(results)[0]["date"] == "2026-01-01"
    assert (results / "tables" / "agreement.md").exists()

    # What is in no commit could not be read later, and nothing is changed.
    newer = a_run(local, 3)
    with pytest.raises(BadInput, match="is in no commit"):
        publishing.publish([newer], source=local, results=results)
    assert len(runs.named(results)) == 2
    git(tmp_path, "add", "results/runs")
    git(tmp_path, "commit", "-qm", "runs")

    publishing.publish([newer], [other], "another reason", source=local, results=results)
    assert [str(head["run_id"]) for head, _ in runs.published(results)] == [newer]
    with (results / superseded.LIST).open() as stream:
        gone = {line["file"]: line for line in csv.DictReader(stream)}
    assert gone[f"{old}.jsonl.gz"]["reason"] == f"every cell measured again by {newer}"
    assert gone[f"{other}.jsonl.gz"]["reason"] == "another reason"
    for name, line in gone.items():
        assert not (results / "runs" / name).exists()
        assert git(tmp_path, "ls-tree", "--name-only", line["commit"], f"results/runs/{name}")
    assert old not in (results / "tables" / "agreement.md").read_text()
    with pytest.raises(BadInput, match="is published already"):
        publishing.publish([newer], source=local, results=results)
    with pytest.raises(BadInput, match="is not published"):
        publishing.publish([], [other], "again", source=local, results=results)


@pytest.mark.parametrize("forged", [False, True])
def test_only_named_runs_count_and_a_changed_file_is_left_out(tmp_path: Path, forged: bool) -> None:
    local, results = tmp_path / "local", tmp_path / "results"
    one, two = a_run(local, 1), a_run(local, 2, (8,))
    publishing.publish([one, two], source=local, results=results)
    a_run(results, 4)
    assert [str(head["run_id"]) for head, _ in runs.published(results)] == [one, two]
    path = results / "runs" / f"{two}.jsonl.gz"
    if forged:
        text = gzip.decompress(path.read_bytes()).replace(b"1e-07", b"2e-07")
        path.write_bytes(gzip.compress(text, mtime=0))
    else:
        path.unlink()
    said: list[str] = []
    assert [str(head["run_id"]) for head, _ in runs.published(results, said.append)] == [one]
    assert len(said) == 1 and two in said[0] and said[0].endswith("left out")
    with pytest.raises(BadInput, match=two):
        runs.published(results)


@pytest.mark.parametrize(
    "text", ["run = 1", "[[run]]\nfile = 1", "[[run]", '[[run]]\nfile = "../x"\nsha256 = "0"']
)
def test_a_list_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / runs.LIST).write_text(text)
    with pytest.raises(BadInput, match=runs.LIST):
        runs.published(tmp_path)


def test_a_run_that_is_not_there_is_named_with_those_near_it(tmp_path: Path) -> None:
    known = a_run(tmp_path / "local", 1)
    with pytest.raises(BadInput, match=f"unknown run of .* did you mean {known}"):
        publishing.publish([f"{known}0"], source=tmp_path / "local", results=tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_a_wrong_name_is_told_before_any_run_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, results = a_run(tmp_path / "results", 1), tmp_path / "results"
    head = {"run_id": known, "machine_id": "m1"}
    entry = publishing.entry(results / "runs" / f"{known}.jsonl.gz", head)
    publishing.write_list(results, [entry])

    def never(path: Path) -> Any:
        raise AssertionError(path)

    monkeypatch.setattr(runs, "read", never)
    with pytest.raises(BadInput, match=r"unknown run of .* 'zzz'; there is none"):
        publishing.publish(["zzz"], source=tmp_path / "local", results=results)
    with pytest.raises(BadInput, match=r"zzz\.jsonl\.gz is not published"):
        publishing.publish([], ["zzz"], "why", source=tmp_path / "local", results=results)


def test_a_run_with_one_cell_of_its_own_stays() -> None:
    def run(day: int, cells: str) -> tuple[dict[str, Any], list[runs.Row]]:
        head = {"run_id": f"time-2026010{day}T000000-m1", "machine_id": "m1"}
        return head, [{"cell_id": cell} for cell in cells]

    found = {"a": run(1, "xy"), "b": run(2, "x"), "c": run(3, "xz"), "d": run(4, "")}
    assert set(publishing.outdated(found, found)) == {"b", "d"}


def test_a_run_of_more_processes_is_not_measured_again_by_one_of_fewer() -> None:
    def run(day: int, rounds: int) -> tuple[dict[str, Any], list[runs.Row]]:
        head = {"run_id": f"time-2026010{day}T000000-m1", "machine_id": "m1"}
        return head, [{"cell_id": "x", "round": number} for number in range(rounds) for _ in "ab"]

    assert not publishing.outdated(found := {"a": run(1, 5), "b": run(2, 1)}, ["a"])
    assert set(publishing.outdated({**found, "c": run(3, 5)}, found)) == {"a", "b"}
    assert set(publishing.outdated({"a": run(1, 1), "b": run(2, 2)}, ["a"])) == {"a"}
