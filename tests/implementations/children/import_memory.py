"""How much memory the import of a file takes: what the process has at most, over the file's bytes.

python import_memory.py FILE FOLDER: prints the ratio.
"""

from __future__ import annotations

import sys
from pathlib import Path

import onnx.reference  # noqa: F401  what it takes is no import's

from bench.cli import importing
from bench.subject import onnx_files
from implementations.architecture import graph
from implementations.importers.onnx import checking, convert  # noqa: F401


def main(file: str, folder: str) -> None:
    """Import it as the command does."""
    size = Path(file).stat().st_size
    before = _peak()
    made = onnx_files.read(Path(file))
    importing.write(Path(folder), graph.document(made.architecture), made.weights, made.about)
    print((_peak() - before) / size)  # noqa: T201


def _peak() -> int:
    # getrusage's peak has that of the process which forked this one.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
