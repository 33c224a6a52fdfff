from __future__ import annotations

import argparse

import pytest

from bench.__main__ import COMMANDS, parser
from bench.cli.arguments import ARGUMENTS, add
from bench.cli.whole import request_of
from bench.record.runs import LOCAL


def test_every_command_has_its_options() -> None:
    assert set(ARGUMENTS) == set(COMMANDS)


@pytest.mark.parametrize("name", ["time", "compare"])
def test_defaults_are_those_of_an_ask(name: str) -> None:
    asked = request_of(parser().parse_args([name, "--dataset", "digits"]))
    bare = request_of(parser().parse_args(["contrast", "--dataset", "digits"]))
    grid = {"grid": "default", "rounds": 3, "precisions": ("float32",)} if name == "time" else {}
    assert vars(asked) == vars(bare) | grid


def test_what_only_some_commands_take_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    given = "compare --seeds 3 --epochs 2 --rounds 4 --batch 8 --isolate --stages agree train"
    ask = request_of(parser().parse_args(given.split()))
    assert (ask.seeds, ask.epochs, ask.rounds, ask.batch, ask.isolate) == (3, 2, 4, 8, True)
    assert ask.stages == ("train", "agree")
    given = "time --modes eager tuned --cold --grid full --precisions float64"
    ask = request_of(parser().parse_args(given.split()))
    assert (ask.modes, ask.cold, ask.grid) == (("eager", "tuned"), True, "full")
    assert ask.precisions == ("float64",)
    with pytest.raises(SystemExit):
        parser().parse_args(["time", "--modes", "quick"])
    assert "invalid choice: 'quick'" in capsys.readouterr().err


def test_a_command_of_its_own_parser() -> None:
    command = argparse.ArgumentParser()
    add("report", command)
    assert command.parse_args([]).results == LOCAL
