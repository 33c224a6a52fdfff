from __future__ import annotations

import pytest

from bench.__main__ import COMMANDS, main
from bench.job.plans import EMBEDDED, SWEPT


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"python -m bench {command}" in capsys.readouterr().out.partition("examples:")[2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "COMMAND"),
        (["lst"], "choose from"),
        (["list", "--jsn"], "bench list: unknown argument '--jsn'; did you mean --json"),
        (["list", "--jsn=1"], "'--jsn'; did you mean --json"),
        (["list", "more"], "unknown argument 'more'; one of: -h, --help, --json"),
        (["report", "--results", ""], "--results: it is empty"),
    ],
)
def test_bad_arguments_are_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.count("\n") == 1 and "--help" in said
    assert words in said


def test_help_offers_what_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    told = {}
    for command in COMMANDS:
        with pytest.raises(SystemExit):
            main([command, "--help"])
        told[command] = " ".join(capsys.readouterr().out.split())
    for command in ("time", "sweep"):
        assert f"default: {SWEPT}, and photographs where" in told[command]
    assert f"default: {' '.join(EMBEDDED)}" in told["agree"]
    assert "reference" in told["explain"] and "reference" not in told["train"]
