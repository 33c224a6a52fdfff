"""An import that is refused: `import_refused.py WORD ...`, the words of the command.

Prints JSON: the exit status, what was said, and what the process had of memory at most, MB.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.__main__ import main


def run(words: list[str]) -> dict[str, Any]:
    """Import as the command does."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        status = main(["import", *words])
    # getrusage's peak has that of the process which forked this one.
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))
    assert peak is not None
    return {"status": status, "said": said.getvalue(), "peak": int(peak[1]) / 1024}


def refusal(*words: str) -> dict[str, Any]:
    """What the command says in a process of its own. It must refuse, and in one line."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, __file__, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["status"] == 2 and told["said"].count("\n") == 1, told
    return told


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1:])))  # noqa: T201
