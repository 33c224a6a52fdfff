"""An import that is refused: `import_refused.py WORD ...`, the words of the command.

Prints JSON: the exit status, what was said, and what the process had of memory at most, MB.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from pathlib import Path

from bench.__main__ import main


def run(words: list[str]) -> dict[str, object]:
    """Import as the command does."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        status = main(["import", *words])
    # getrusage's peak has that of the process which forked this one.
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))
    assert peak is not None
    return {"status": status, "said": said.getvalue(), "peak": int(peak[1]) / 1024}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1:])))  # noqa: T201
