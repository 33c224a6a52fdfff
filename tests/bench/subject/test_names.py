from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import datasets
from bench.__main__ import main
from bench.cli.arguments import app, parse
from bench.cli.commands import COMMANDS
from bench.subject import names
from bench.subject.request import Request
from implementations import methods
from implementations.errors import BadInput, Unavailable


@pytest.fixture
def broken() -> Iterator[str]:
    """A method and a data set whose files do not import, for as long as a test takes."""
    name = "broken_for_a_test"
    paths = [
        Path(methods.__file__).parent / "gradient" / f"{name}.py",
        Path(datasets.__file__).parent / f"{name}.py",
    ]
    try:
        for path in paths:
            path.write_text(f'NAME = "{name}"\nimport nothing_of_the_kind\n')
        yield name
    finally:
        for path in paths:
            path.unlink()


def test_a_file_that_does_not_import_costs_itself_alone(
    broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert broken in methods.names() and broken not in names.pick_methods(())
    assert "nothing_of_the_kind" in methods.broken()[broken]
    with pytest.raises(Unavailable, match=f"the method {broken} does not import"):
        names.pick_methods([broken])
    assert broken in datasets.names()
    with pytest.raises(Unavailable, match=f"the data set {broken} does not import"):
        datasets.load(broken)
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    assert "grad_cam" in shown and "nothing_of_the_kind" in shown
    assert main(["agree", "--methods", broken]) == 4
    assert capsys.readouterr().err.count("\n") == 1


def test_a_family_the_core_set_and_all_stand_for_methods() -> None:
    everything = names.pick_methods(())
    core = names.pick_methods(["core"])
    assert names.pick_methods(["all"]) == everything == tuple(methods.groups()["all"])
    assert {"grad_cam", "saliency", "occlusion"} <= set(core) < set(everything)
    families = ("cam", "gradient", "perturbation")
    found = [name for family in families for name in names.pick_methods([family])]
    assert len(found) == len(set(found)) and set(found) <= set(everything)
    # A method named twice, by itself and in a group, is there once; options stay in a name.
    both = names.pick_methods(["grad_cam[reduction=mean]", "cam", "grad_cam"])
    assert both.count("grad_cam") == 1 and both[0] == "grad_cam[reduction=mean]"
    with pytest.raises(BadInput, match="unknown method 'coer'"):
        names.pick_methods(["coer"])


def test_a_method_of_its_family_s_name_is_named_by_both() -> None:
    assert names.pick_methods(["cam/cam"]) == ("cam",) != names.pick_methods(["cam"])
    assert names.pick_methods(["cam/cam[form=bytes]"]) == ("cam[form=bytes]",)
    assert {one("gradient/lrp") for one in (names.pick_method, names.spelled)} == {"lrp"}
    for name in ("gradient/cam", "cam/", "cam/cem", "core/cem"):
        with pytest.raises(BadInput, match=f"unknown method '{name}'"):
            names.pick_methods([name])


def test_a_sweep_takes_all_methods_and_other_commands_the_core_set() -> None:
    reader = app(COMMANDS, "")
    for command, group in (("compare", "core"), ("time", "core"), ("sweep", "all")):
        asked = parse(reader, [command])
        assert isinstance(asked, Request) and asked.methods == names.pick_methods([group])
