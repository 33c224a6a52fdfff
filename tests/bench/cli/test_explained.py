from __future__ import annotations

import re
from typing import Any

import pytest

from bench.__main__ import main


def test_how_far_it_is_is_not_told_after_each_batch(
    place: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Thousands of lines fill a log, and a pipe that nobody reads."""
    assert main(place.arguments(framework="reference", mode=None, batch=1)) == 0
    said = capsys.readouterr().err
    assert re.findall(r"\d+ of 5 images", said) == ["1 of 5 images"]
