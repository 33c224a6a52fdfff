"""`--expect`: a user's own logits are checked before the work, and what was found is told after."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.cli import expected
from bench.cli.given import Given
from bench.cli.options import Single
from bench.engine.progress import answer

FAILED_CHECK = 3


def checked(path: str | None, subject: Given) -> str | None:
    """The file, as a child is told of it. Raises BadInput for logits of other images."""
    if not path:
        return None
    expected.read(path, len(subject.images), subject.architecture.classes)
    return str(Path(path).resolve())


def tell(asked: Single, row: Mapping[str, Any]) -> int:
    """Say what a child found of the user's logits, if any were given; the command's exit status."""
    if not row["expected"]:
        return 0
    said, agree = row["expected"]
    told = f"{asked.expect}: {said}"
    if asked.json:
        print(f"python -m bench {asked.command}: {told}", file=sys.stderr)  # noqa: T201
    else:
        answer.print(told)
    return 0 if agree else FAILED_CHECK
