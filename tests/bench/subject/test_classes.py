from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.subject import classes
from implementations.errors import BadInput


def test_names_come_from_a_data_set_a_text_or_a_list(tmp_path: Path) -> None:
    assert classes.take("fashion_mnist", 10)[9] == "Ankle boot"
    (tmp_path / "a.txt").write_text("cat\n\n dog\x1b[2J \n")
    assert classes.take(str(tmp_path / "a.txt"), 3) == ("cat", "class 1", "dog [2J")
    (tmp_path / "a.json").write_text(json.dumps(["x" * 100, "y"]))
    first, second = classes.take(str(tmp_path / "a.json"), 2)
    assert (len(first), second) == (classes.LONGEST, "y")


def test_where_none_are_asked_for() -> None:
    assert classes.take("", 3) == ("class 0", "class 1", "class 2")
    named = "espresso" if find_spec("torchvision") else "class 967"
    assert classes.take("", 1000)[967] == named


@pytest.mark.parametrize(
    ("text", "told"),
    [('["a"]', "1 names"), ('{"0": "a"}', "list of names"), ("[" * 10**5, "readable JSON")],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(BadInput, match=told):
        classes.take(str(tmp_path / "a.json"), 2)
    with pytest.raises(BadInput, match=r"no file of class names no\.txt"):
        classes.take("no.txt", 2)
