from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import datasets
from bench.__main__ import main
from bench.subject import names
from implementations import methods
from implementations.errors import Unavailable


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
