"""Every command of docs/pictures.md is one that the command line takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from bench.cli.arguments import app, parse
from bench.cli.commands import COMMANDS

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "pictures.md"
WRITTEN = re.findall(
    r"^    (python -m bench (?:.*\\\n)*.*)$", PAGE.read_text("utf-8"), re.MULTILINE
)


@pytest.mark.parametrize("text", WRITTEN, ids=lambda text: " ".join(text.split()[3:5]))
def test_a_command_of_the_page_is_taken(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = shlex.split(text.replace("\\\n", " "))[3:]
    for folder in ("vgg19",):
        (tmp_path / folder).mkdir()
        for name in ("architecture.json", "weights.safetensors"):
            (tmp_path / folder / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAMPARISON_WEIGHTS", str(tmp_path))  # where trained networks lie
    made = parse(app(COMMANDS, ""), words)
    assert made is not None and made.command == words[0]


def test_the_page_has_commands() -> None:
    assert len(WRITTEN) >= 9


def test_weights_that_a_command_names_are_in_the_repository() -> None:
    named = re.findall(r"--weights (\S+)", " ".join(WRITTEN))
    assert named and all((ROOT / path).is_file() for path in named)
