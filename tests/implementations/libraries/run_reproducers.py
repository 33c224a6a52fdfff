"""Run by the tests of reproducers: the files named, and what each prints as JSON at the end."""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import sys
import warnings
from pathlib import Path


def main(paths: list[str]) -> None:
    """Run the files, one after another, in this process."""
    from implementations.libraries.pytorch_grad_cam import imported

    imported()  # where torchvision's binary does not fit PyTorch, it would not import by itself
    warnings.simplefilter("ignore")
    told = {}
    for path in paths:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            runpy.run_path(path)
        told[Path(path).stem] = printed.getvalue()
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
