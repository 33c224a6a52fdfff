from __future__ import annotations

import pytest

from bench.__main__ import main
from bench.cli.commands import COMMANDS
from bench.job.plans import EMBEDDED, SWEPT


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"python -m bench {command}" in capsys.readouterr().out.partition("examples:")[2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "COMMAND"),
        (["lst"], 'Did you mean "list"'),
        (["list", "--jsn"], "bench list: Unknown option: --jsn. Did you mean --json?"),
        (["list", "--jsn=1"], "--jsn. Did you mean --json"),
        (["list", "more"], "['more']"),
        (["report", "--results", ""], "--results: it is empty"),
        (["report", "--results"], "--results requires an argument"),
        (["agree", "--frameworks", "keras["], "unknown column 'keras['; did you mean keras[jax]"),
        (["agree", "--frameworks", "keras[]"], "unknown column 'keras[]'"),
        (["agree", "--frameworks", "keras]"], "did you mean keras"),
    ],
)
def test_bad_arguments_are_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "--help" in said
    assert words in said


def test_help_offers_what_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    told = {}
    for command in COMMANDS:
        main([command, "--help"])
        told[command] = " ".join(capsys.readouterr().out.replace("│", "").split())
    assert f"by default {' and '.join(EMBEDDED)}; timed and swept: {SWEPT}" in told["agree"]
    assert "reference" in told["explain"] and "--method" not in told["train"]
