"""Which cells are asked for, and that a cell's rows are rows."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from bench.record.cell import Cell
from bench.record.schema import COLUMNS
from bench.stages.conform import examined, stage
from bench.stages.conform.design import Run, runs
from bench.subject.names import pick_columns
from bench.subject.request import Request
from implementations.frameworks import hosts


def test_offers_as_shipped_and_made_ours_then_our_own_builders() -> None:
    asked = list(stage.cells(Request(command="conform", methods=("grad_cam",))))
    theirs = [(cell.library, cell.method, bool(cell.options)) for cell in asked if cell.library]
    assert ("captum", "layer_grad_cam", True) in theirs
    assert ("captum", "layer_grad_cam", False) in theirs
    own = [cell.column.label for cell in asked if not cell.library]
    assert own == [column.label for column in pick_columns(())]


def test_what_is_named_alone_is_asked_for() -> None:
    request = Request(command="conform", methods=("saliency",), libraries=("captum",))
    assert [(cell.library, cell.method) for cell in stage.cells(request)] == [
        ("captum", "saliency")
    ]


def test_our_own_builder_is_the_same_in_every_run() -> None:
    request = Request(command="conform", methods=("grad_cam",), columns=pick_columns(["pytorch"]))
    cell = next(cell for cell in stage.cells(request) if not cell.library)
    rows = list(stage.measure(cell, {}))
    assert Counter(row["verdict"] for row in rows) == {"same": len(rows)}
    assert all(set(row) <= set(COLUMNS) for row in rows)


def cell(method: str, library: str = "", framework: str = "pytorch", **options: str) -> Cell:
    asked = Request(command="conform")
    made = stage._cell(asked, framework, "", library=library)
    return replace(made, method=method, options=tuple(sorted(options.items())))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runs of the smallest probes alone."""
    probes = ("rational", "small")
    ours = [Run(hosts.OWN), *(Run(hosts.OWN, probe=each) for each in probes)]
    theirs = [Run(), Run("inplace"), Run(inputs="permuted"), Run(probe="small")]
    monkeypatch.setattr(stage, "own_runs", lambda network: ours)
    monkeypatch.setattr(stage, "runs", lambda framework, network: theirs)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("method", ["shapley_cam", "integrated_gradients"])
def test_ours_are_the_same_at_their_own_score(method: str) -> None:
    verdicts = [row["verdict"] for row in stage.measure(cell(method), {})]
    assert set(verdicts) <= {"same", "not offered"} and verdicts[0] == "same"


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("method", ["occlusion", "cam"])
def test_what_a_probe_is_too_small_for_is_not_offered_and_says_why(method: str) -> None:
    rows = list(stage.measure(cell(method), {}))
    small = [row for row in rows if row["probe"] == "small"]
    assert [row["verdict"] for row in small] == ["not offered"] and small[0]["reason"]


@pytest.mark.usefixtures("few")
def test_an_offer_that_draws_is_held_to_itself_and_where_it_is_still_to_ours(
    tmp_path: Path,
) -> None:
    drawn, still = "noise_tunnel_smoothgrad", {"stdevs": "0"}
    asked = list(stage.cells(Request(command="conform", methods=("smooth_grad",),
                                     libraries=("captum",))))  # fmt: skip
    assert [dict(each.options) for each in asked if each.method == drawn] == [{}, still]
    rows = list(stage.measure(cell(drawn, "captum"), {stage.REPRODUCERS: str(tmp_path)}))
    told = {row["condition"]: (row["verdict"], row.get("reason", "")) for row in rows}
    assert told["base"][0] == "other formula" and told["inplace host"][0] == "same"
    assert told["permuted"] == told["probe small"] == ("not offered", examined.UNFOLLOWED)
    rows = list(stage.measure(cell(drawn, "captum", **still), {}))
    assert {(row["like"], row["verdict"]) for row in rows} == {("saliency", "same")}


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("offer", ["deep", "partition"])
def test_a_library_that_asks_how_arrays_lie_has_its_hosts(offer: str, tmp_path: Path) -> None:
    rows = list(stage.measure(cell(offer, "shap"), {stage.REPRODUCERS: str(tmp_path)}))
    assert rows[0]["verdict"] in ("same", "other formula")


def test_asking_imports_no_framework() -> None:
    code = (
        "import sys; from bench.stages.conform import stage; "
        "from bench.subject.request import Request; list(stage.cells(Request(command='conform'))); "
        "print(sorted({'torch', 'keras', 'tensorflow', 'jax'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_run_has_a_condition_of_its_own() -> None:
    conditions = [run.condition for run in runs("pytorch")]
    assert conditions[0] == "base" and len(set(conditions)) == len(conditions) > 30
