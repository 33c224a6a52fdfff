"""Searches of a second: what is planted is found at once, and what is nobody's is nobody's."""

from __future__ import annotations

import pytest

from bench.truth import claims


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "SECONDS", 1.0)
