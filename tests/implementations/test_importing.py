from __future__ import annotations

from pathlib import Path

import pytest

from implementations.errors import Unavailable
from implementations.importing import importing


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\nimport nothing_of_the_kind\n", "No module named 'nothing_of_the_kind'"),
        ("x = 1\ndef (:\n", "SyntaxError"),
        ("x = 1\nx / 0\n", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_broken_file_is_named_with_its_line(
    text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "broken_page.py"
    path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Unavailable) as told:
        importing("broken_page", "the method broken_page")
    said = str(told.value)
    assert said.startswith("the method broken_page does not import: ") and words in said
    assert f"{path}, line 2" in said and "\n" not in said


def test_a_sound_file_is_its_module() -> None:
    assert importing("implementations.errors", "").Unavailable is Unavailable
