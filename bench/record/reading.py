"""Reading a finished run's file: bounded in size, each row checked once by the schema.

A row that cannot be used is left out, with one line on standard error; one odd row stops nothing.
"""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.record import older
from bench.record.fault import fault, name
from bench.record.renamed import renamed
from implementations.errors import BadInput
from implementations.files import open_plain

Row = dict[str, Any]
LARGEST_RUN = 512 << 20
"""Bytes of a run's rows, unpacked: a hundred times the largest run there is."""
SHOWN = ("machine_id", "cpu", "gpu", "driver", "os", "python", "git_sha")
"""What tables show of a head."""
UNREADABLE = (OSError, EOFError, ValueError, zlib.error, RecursionError)


def read(path: Path) -> tuple[dict[str, Any], list[Row]]:
    """Head and rows of a finished run's file; says on standard error which rows are left out.

    Raises BadInput for what is no run's file, or holds more than `LARGEST_RUN` bytes.
    """
    try:
        with open_plain(path, LARGEST_RUN, "run's file") as packed, gzip.open(packed) as stream:
            content = stream.read(LARGEST_RUN + 1)
        if len(content) > LARGEST_RUN:
            raise ValueError(f"more than {LARGEST_RUN >> 20} MB when unpacked")
        first, *lines = content.decode().splitlines()
        head = json.loads(first)["head"]
        if odd := head_fault(head):
            raise ValueError(odd)
    except (*UNREADABLE, KeyError, TypeError) as error:
        raise BadInput(f"{path} is not a run's file ({brief(error)})") from error
    rows: list[Row] = []
    faults: list[str] = []
    why: str | None
    for number, line in enumerate(lines, 2):
        try:
            row = json.loads(line)
            why = fault(row)
        except (ValueError, RecursionError) as error:
            why = brief(error)
        if why:
            faults.append(f"line {number}: {why}")
        else:
            row["code_hash"] = renamed(str(row.get("code_hash")), str(row.get("architecture", "")))
            rows.append(row)
    if faults:
        more = f" (and {len(faults) - 1} more rows)" if len(faults) > 1 else ""
        sys.stderr.write(f"{path}: left out {faults[0]}{more}\n")
    older.fill(head, rows)
    return head, rows


def head_fault(head: Any) -> str:
    """What a run's head lacks; empty where it can be used."""
    if not isinstance(head, Mapping) or not head.get("run_id") or not name(head["run_id"]):
        return "its head has no run_id"
    odd = [key for key in SHOWN if not name(head.get(key) or "")]
    parts = ("versions", "seconds", "asked", "machines")
    odd += [key for key in parts if not isinstance(head.get(key, {}), dict)]
    versions = head.get("versions", {})
    if not odd and not all(name(part) for part in (*versions, *versions.values())):
        odd = ["versions"]
    for machine in () if odd else head.get("machines", {}).values():
        known = isinstance(machine, Mapping) and machine.get("machine_id")
        if not known or not all(name(machine.get(key) or "") for key in SHOWN):
            odd = ["machines"]
    return f"its head's {', '.join(odd)} cannot be read" if odd else ""


def brief(error: BaseException) -> str:
    """What went wrong, in one line of at most 200 characters."""
    return " ".join(str(error).split())[:200] or type(error).__name__
