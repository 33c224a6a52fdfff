"""Fingerprints of code under the names that they have now."""

from __future__ import annotations

import json
from pathlib import Path

RENAMED: dict[str, str] = json.loads(
    Path(__file__).with_name("renamed.json").read_text(encoding="utf-8")
)
"""Fingerprint of old -> what the same code has for one now, made where the way changed. Where that
depends on the architecture, this stands beside the old one: `fingerprint architecture`."""


def renamed(code: str, architecture: str) -> str:
    """What the code of a row has for a fingerprint now, if it has been renamed, however often."""
    passed = {code}
    while True:
        code = RENAMED.get(code) or RENAMED.get(f"{code} {architecture}") or code
        if code in passed:
            return code
        passed.add(code)
