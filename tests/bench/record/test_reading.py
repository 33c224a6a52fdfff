from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from bench.record import reading
from bench.record.reading import read
from bench.record.runs import published
from implementations.errors import BadInput

GOOD = {
    "stage": "time", "task": "forward", "framework": "jax", "column": "jax", "dataset": "digits",
    "architecture": "cnn-gap", "cell_id": "a", "status": "ok", "code_hash": "b", "run_id": "r",
}  # fmt: skip


def written(folder: Path, lines: list[str], name: str = "time-20250101T000000-m1") -> Path:
    path = folder / "runs" / f"{name}.jsonl.gz"
    path.parent.mkdir(exist_ok=True)
    head = json.dumps({"head": {"run_id": name}})
    path.write_bytes(gzip.compress("\n".join([head, *lines]).encode()))
    return path


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)  # a case has one name


@pytest.mark.parametrize(
    "content",
    [
        b"", b"text", packed(b"{}"), packed(b'{"head": {}}'),
        packed(b'{"head": {"run_id": "a\\u001b"}}'), packed(b"\xff"),
        packed(b'{"head": {"run_id": "a", "versions": [1]}}'),
    ],
)  # fmt: skip
def test_a_broken_run_is_named_and_the_others_are_read(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path, [json.dumps(GOOD)])
    broken = path.with_name("broken.jsonl.gz")
    broken.write_bytes(content)
    with pytest.raises(BadInput, match=r"broken\.jsonl\.gz is not a run's file"):
        read(broken)
    said: list[str] = []
    kept = published(tmp_path, said.append)
    assert [head["run_id"] for head, _ in kept] == ["time-20250101T000000-m1"]
    assert len(said) == 1 and "\n" not in said[0]


def test_what_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGEST_RUN", 1 << 20)
    path = tmp_path / "bomb.jsonl.gz"
    path.write_bytes(gzip.compress(bytes(1 << 24)))
    with pytest.raises(BadInput, match="more than 1 MB when unpacked"):
        read(path)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("[]", "a row is an object"),
        ('"text"', "a row is an object"),
        ("null", "a row is an object"),
        ("[" * 100_000, "recursion"),
        ('{"a"', "Expecting"),
        ({"cell_id": ""}, "no cell_id"),
        ({"status": "fine"}, "status is none of"),
        ({"median_ms": "3"}, "median_ms is not a number above 0"),
        ({"median_ms": 0}, "median_ms is not a number above 0"),
        ({"max_rel": float("inf")}, "max_rel is not a number"),
        ({"flops": 10**400}, "Exceeds|flops is not a number"),
        ({"batch": 2.5}, "batch is not a count"),
        ({"batch": True}, "batch is not a count"),
        ({"samples_ns": [1, "2"]}, "samples_ns is not a list of numbers above 0"),
        ({"samples_ns": {"a": 1}}, "samples_ns is not a list"),
        ({"kinks": [[1]]}, "kinks is not a list of"),
        ({"options": {"a": "b"}}, "options is not a list of"),
        ({"losses": 3}, "losses is not a list"),
        ({"confusion": [[1, 2]]}, "confusion is not a square"),
        ({"column": "jax\x1b[2J"}, "column is not a text of one line"),
        ({"method": "\ud800"}, "method is not a text of one line"),
        ({"reason": "\ud800"}, "reason is not a text"),
        ({"stable": 1}, "stable is not true or false"),
    ],
)
def test_an_odd_row_is_left_out_with_one_line(
    tmp_path: Path, line: str | dict[str, object], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = line if isinstance(line, str) else json.dumps({**GOOD, **line})
    path = written(tmp_path, [json.dumps(GOOD), odd, json.dumps(GOOD)])
    _, rows = read(path)
    assert len(rows) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith(f"{path}: left out line 3: ")
    assert re.search(why, said)


def test_a_reason_may_have_lines_and_a_name_a_dollar(tmp_path: Path) -> None:
    row = {**GOOD, "reason": "one\ntwo", "architecture": "$net", "losses": [1, None]}
    _, rows = read(written(tmp_path, [json.dumps(row)]))
    assert rows[0]["reason"] == "one\ntwo"
