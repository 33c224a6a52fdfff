from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from bench.cli.arguments import Command, app, parse
from bench.cli.commands import COMMANDS
from bench.record.runs import LOCAL
from bench.subject import values
from bench.subject.request import Common, Request, option
from implementations.errors import BadInput


def asked(words: str) -> Any:
    return parse(app(COMMANDS, ""), words.split())


@pytest.mark.parametrize("name", ["time", "compare"])
def test_defaults_are_those_of_a_request(name: str) -> None:
    own = {
        "time": {"grid": "default", "rounds": 3, "precisions": ("float32",)},
        "compare": {"n_images": 0, "budgets": (64,)},
    }
    bare = Request(datasets=("digits",), command=name)
    assert vars(asked(f"{name} --dataset digits")) == vars(bare) | own[name]


def test_what_only_some_commands_take_is_asked() -> None:
    given = "compare --seeds 3 --epochs 2 --rounds 4 --batch 8 --isolate --stages agree train"
    ask = asked(given)
    assert (ask.seeds, ask.epochs, ask.rounds, ask.batch, ask.isolate) == (3, 2, 4, 8, True)
    assert ask.stages == ("train", "agree")
    ask = asked("time --modes tuned eager --cold --grid full --precisions float64 float32")
    assert (ask.modes, ask.cold, ask.grid) == (("tuned", "eager"), True, "full")
    assert ask.precisions == ("float64", "float32")
    with pytest.raises(BadInput, match="unknown mode 'quick'; one of: eager, compiled"):
        asked("time --modes quick")
    assert asked("report").results == LOCAL
    published = asked("publish one two --reason r")
    assert (published.runs, published.reason) == (("one", "two"), "r")


def test_an_option_is_a_field_and_no_more() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Asked(Common):
        depth: int = option(3, "of the tree", "grow fell", values.positive, fell=1)
        wide: bool = option(False, "", "grow")

    commands = {name: Command("", Asked, "", ()) for name in ("grow", "fell")}

    def read(words: str) -> Any:
        return parse(app(commands, ""), words.split())

    assert (read("grow").depth, read("fell").depth, read("fell --depth=7").depth) == (3, 1, 7)
    assert read("grow --wide").wide
    with pytest.raises(BadInput, match="Unknown option: --wide"):
        read("fell --wide")
    with pytest.raises(BadInput, match="Did you mean --depth"):
        read("grow --dept 3")


def test_help_of_a_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert asked("agree --help") is None
    said = " ".join(capsys.readouterr().out.split())
    assert "seconds of silence" in said and "(default 900.0)" in said
    assert "--grid" not in said
