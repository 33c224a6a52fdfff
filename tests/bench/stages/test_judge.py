"""The judge: one column scores all kept maps, and it does not matter which."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import metrics
from bench.engine.environment import environment
from bench.job.pipeline import Pipeline
from bench.record.cell import Cell
from bench.record.schema import COLUMNS
from bench.stages import contrast, judge
from bench.subject.inputs import INITIAL, prepare_images, subject
from bench.subject.networks import Network
from bench.subject.request import Request
from implementations import frameworks
from implementations.architecture import weights
from implementations.errors import BadInput
from implementations.libraries.control import CONTROLS

N = 12


class Court:
    """Kept maps of a network on images of `shapes`."""

    def __init__(self, context: dict[str, Any], cell: Cell, maps: dict[str, np.ndarray]) -> None:
        self.context, self.cell, self.maps = context, cell, maps
        self.network: judge.Network | None = None

    def rows(self, explainer: str, **changes: Any) -> list[dict[str, Any]]:
        cell = replace(self.cell, explainer=explainer, **changes)
        self.network = self.network or judge.Network(cell, self.context)
        return list(judge.measure(cell, self.network, self.context))

    def values(self, explainer: str, **changes: Any) -> dict[str, np.ndarray]:
        cell = replace(self.cell, explainer=explainer, **changes)
        self.rows(explainer, **changes)
        return weights.load(Path(self.context["values"]) / f"{cell.cell_id}.safetensors")


@pytest.fixture(scope="module")
def court(tmp_path_factory: pytest.TempPathFactory) -> Court:
    folder = tmp_path_factory.mktemp("judge")
    images = prepare_images("shapes", N, folder, None, False)
    trained = folder / "shapes.safetensors"
    cell = Cell(
        stage="judge", task="judge", framework="jax", dataset="shapes", architecture="cnn-32-16-8",
        mode="compiled",
    )  # fmt: skip
    context: dict[str, Any] = {
        "images": {"shapes": str(images)},
        "weights": {"shapes/cnn-32-16-8/trained": str(trained)},
        "n_contrast": N,
        "oracle": str(folder / "oracle"),
        "maps": str(folder / "maps"),
        "values": str(folder / "values"),
    }
    shape = subject(replace(cell, weights="random"), context).architecture
    weights.save(trained, weights.randomise(shape, 20))
    about = subject(cell, context)
    maps = {f"control.{name}": make(about.images) for name, make in CONTROLS.items()}
    maps["zero"] = np.zeros((N, 28, 28))
    broken = maps["control.grey"].copy()
    broken[3, 5, 5] = np.nan
    maps["broken"] = broken
    kept = {name: {"trained": contrast.keep(m, folder / "maps")} for name, m in maps.items()}
    kept["control.grey"][INITIAL] = kept["control.noise"]["trained"]
    context["kept"] = {"shapes/cnn-32-16-8": kept}
    return Court(context, cell, maps)


def test_each_metric_has_a_row_with_its_interval(court: Court) -> None:
    rows = court.rows("control.grey")
    assert not set().union(*rows) - set(COLUMNS)
    scores = [row for row in rows if "against" not in row and "at" not in row]
    curve = [row for row in rows if row["metric"] == "deletion" and "at" in row]
    assert [row["at"] for row in curve] == sorted(row["at"] for row in curve) and len(curve) == 21
    elsewhere = {"other", *metrics.AGAIN}
    scored = {n for n in metrics.names() if not elsewhere & {*metrics.load(n).card.needs}}
    assert {row["metric"] for row in scores} == scored
    for row in scores:
        assert row["statistic"] == "mean" and row["subset"] in ("correct", "wrong")
        assert row["undefined"] == 0 and row["zero_map_share"] == 0 and row["notes"] is None
        assert row["n"] < 2 or row["ci_lo"] <= row["value"] <= row["ci_hi"]
    by_metric = {row["metric"]: row for row in scores}
    assert sum(row["n"] for row in scores if row["metric"] == "deletion") == N
    assert by_metric["deletion"]["evaluations"] == by_metric["insertion"]["evaluations"] == 19
    assert by_metric["removal_gain"]["evaluations"] == 0
    assert by_metric["pointing_game"]["evaluations"] == 0


def test_the_values_of_single_images_are_kept(court: Court) -> None:
    values = court.values("control.grey")
    rows = [row for row in court.rows("control.grey") if row.get("metric") == "removal_gain"]
    assert values["removal_gain"].shape == (N,)
    total = sum(row["value"] * row["n"] for row in rows)
    assert total == pytest.approx(values["removal_gain"].sum())
    np.testing.assert_array_equal(values["removal_gain"], values["insertion"] - values["deletion"])


def test_pairs_are_compared_once_and_by_hand(court: Court) -> None:
    found = {
        (row["metric"], name, row["against"]): row["value"]
        for name in court.maps
        for row in court.rows(name)
        if "against" in row
    }
    pairs = {(metric, frozenset(names)) for metric, *names in found}
    count = len(court.maps) * (len(court.maps) - 1) // 2
    assert len(pairs) == len(found) == count * len(judge.LIKENESS)
    case = metrics.Case(court.maps["control.grey"], other=court.maps["control.centre"])
    expected = case.value("cosine").mean()
    assert found["cosine", "control.grey", "control.centre"] == pytest.approx(expected)


def test_zero_and_broken_maps_are_counted_and_never_dropped_in_silence(court: Court) -> None:
    zero = [row for row in court.rows("zero") if row.get("metric") == "removal_gain"]
    assert all(row["zero_map_share"] == 1 and row["undefined"] == 0 for row in zero)
    uniform = court.values("control.uniform")["removal_gain"]
    np.testing.assert_array_equal(court.values("zero")["removal_gain"], uniform)
    broken = [row for row in court.rows("broken") if row.get("metric") == "removal_gain"]
    assert sum(row["undefined"] for row in broken) == 1
    assert [row["notes"] for row in broken if row["undefined"]] == ["not finite: 1"]
    values, whole = court.values("broken"), court.values("control.grey")
    others = np.arange(N) != 3
    for name, each in whole.items():
        np.testing.assert_allclose(values[name][others], each[others], atol=1e-6)
        assert np.isnan(values[name][3]).all() or name in ("blank", "flips", "attractor", "correct")


def test_maps_of_the_network_before_training_are_scored_on_the_trained_one(court: Court) -> None:
    rows = court.rows("control.grey", weights=INITIAL)
    assert all("against" not in row for row in rows)
    noise = [row for row in court.rows("control.noise") if not {"against", "at"} & {*row}]
    assert [row["value"] for row in rows] == [row["value"] for row in noise]


def test_cells_are_those_whose_maps_are_kept(court: Court) -> None:
    about = subject(court.cell, court.context)
    row = {
        "stage": "contrast", "dataset": "shapes", "architecture": "cnn-32-16-8",
        "weights": "trained", "explainer": "control.grey", "weights_sha": about.weights_sha,
        "maps_sha": court.context["kept"]["shapes/cnn-32-16-8"]["control.grey"]["trained"],
        "inputs_sha": about.inputs_sha,
    }  # fmt: skip
    strange = [
        {**row, "weights_sha": "other"}, {**row, "inputs_sha": "other"}, {**row, "maps_sha": ""},
        {**row, "maps_sha": "gone"}, {**row, "stage": "judge"}, {**row, "architecture": "other"},
    ]  # fmt: skip
    assert judge.usable([row, *strange], court.context) == [row]
    column = frameworks.column("jax")
    (cell,) = judge.cells([row], column, "cpu", 0)
    assert cell == replace(court.cell, explainer="control.grey")
    newer = {**row, "maps_sha": "newer"}
    assert judge.kept([row, newer])["shapes/cnn-32-16-8"]["control.grey"]["trained"] == "newer"
    assert cell.cell_id != replace(cell, explainer="control.noise").cell_id


def test_the_judge_composes_images_in_less_time_than_it_evaluates_them(court: Court) -> None:
    rows = court.rows("control.grey")
    found = [row["efficiency"] for row in rows if row.get("efficiency")]
    assert found and min(found) >= 0.5


ALIKE = 1e-5
Values = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def judged(court: Court, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Values]:
    """Values of the images by a column, in a process of its own, once."""
    folder = tmp_path_factory.mktemp("judged")

    def run(label: str) -> Values:
        column = next(each for each in frameworks.known() if each.label == label)
        if column.missing:
            pytest.skip(column.missing)
        cell = replace(court.cell, framework=column.framework, backend=column.backend,
                       explainer="control.blurred", mode="eager")  # fmt: skip
        file = folder / f"{label}.npz"
        if not file.exists():
            child = Path(__file__).parents[1] / "children" / "judging.py"
            job = json.dumps({"cell": asdict(cell), "context": court.context})
            done = subprocess.run(
                [sys.executable, child, file], input=job, text=True, capture_output=True,
                env={**os.environ, **environment(cell)}, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
        with np.load(file) as found:
            return dict(found)

    return run


@pytest.mark.parametrize("label", [c.label for c in frameworks.known() if c.framework != "jax"])
def test_a_maps_score_is_the_same_in_every_column(
    court: Court, judged: Callable[[str], Values], label: str
) -> None:
    """To 1e-5 for every image, and what is predicted exactly but for images at a boundary.

    onnxruntime, which differentiates nothing, judges like any other.
    """
    ours, theirs = judged("jax"), judged(label)
    for name in ("deletion", "insertion", "removal_gain"):
        np.testing.assert_allclose(theirs[name], ours[name], atol=ALIKE)
    boundary = np.flatnonzero((ours["label"] != theirs["label"]).any(axis=1))
    assert all(abs(ours["gap"][place]).min() < ALIKE for place in boundary), boundary


class Place:
    """A folder of results with trained weights, where runs begin and end."""

    def __init__(self, folder: Path, trained: Path) -> None:
        self.folder = folder
        (folder / "weights").mkdir(parents=True)
        copied = folder / "weights" / "shapes--cnn-32-16-8.safetensors"
        copied.write_bytes(trained.read_bytes())

    def job(self, command: str) -> Pipeline:
        request = Request(
            command=command, datasets=("shapes",), architectures=("cnn-32-16-8",),
            columns=(frameworks.column("pytorch"), frameworks.column("jax")), n_images=N,
            results=self.folder,
        )  # fmt: skip
        return Pipeline(command, request, [Network("shapes", "cnn-32-16-8", "all")])

    def contrasted(self, job: Pipeline, explainer: str, maps: np.ndarray, of: str) -> None:
        """A row of contrast, as the explainer's child leaves it."""
        cell = Cell(stage="contrast", framework="reference", library="control", weights=of,
                    method=explainer.removeprefix("control."), dataset="shapes",
                    architecture="cnn-32-16-8", precision="float64")  # fmt: skip
        context = contrast.told(job)
        about = subject(cell, context, context["n_contrast"])
        row = {
            "status": "ok", "explainer": explainer, "weights_sha": about.weights_sha,
            "inputs_sha": about.inputs_sha,
            "maps_sha": contrast.keep(maps, Path(context["maps"])),
        }  # fmt: skip
        job.run.add(cell, 0, [row])


def test_maps_that_earlier_runs_keep_are_judged_by_the_fastest_column(
    court: Court, tmp_path: Path
) -> None:
    place = Place(tmp_path, Path(court.context["weights"]["shapes/cnn-32-16-8/trained"]))
    with pytest.raises(BadInput, match=r"no heatmaps of 12 images of cnn-32-16-8 on shapes"):
        place.job("judge").stage("judge")
    earlier = place.job("contrast")
    grey, noise = court.maps["control.grey"], court.maps["control.noise"]
    for name, maps, of in (("control.grey", grey, "trained"), ("control.noise", noise, "trained"),
                           ("control.grey", noise, INITIAL)):  # fmt: skip
        place.contrasted(earlier, name, maps, of)
    earlier.run.save()
    earlier.run.end()

    job = place.job("judge")
    for framework, speed in (("pytorch", 10.0), ("jax", 20.0)):
        timed = Cell(stage="time", task="forward", framework=framework, dataset="shapes",
                     architecture="cnn-32-16-8", mode="compiled")  # fmt: skip
        job.run.add(timed, 0, [{"status": "ok", "images_per_s": speed}])
    every = job.stage("judge")
    compared = [row for row in every if row["task"] == "apart"]
    assert [row["n_images"] for row in compared] == [N], "no explainer beside the controls"
    rows = [row for row in every if row.get("metric") == "removal_gain"]
    assert {row["column"] for row in rows} == {"jax"}
    found = {(row["explainer"], row["weights"], row["subset"]): row["value"] for row in rows}
    assert {key[:2] for key in found} == {
        ("control.grey", "trained"), ("control.noise", "trained"), ("control.grey", INITIAL)
    }  # fmt: skip
    for row in court.rows("control.grey"):
        if row["metric"] == "removal_gain":
            expected = pytest.approx(row["value"], abs=ALIKE)
            assert found["control.grey", "trained", row["subset"]] == expected
    values = Path(job.request.results) / "work" / "values" / job.run.run_id
    assert len(list(values.iterdir())) == 3

    # Once more: nothing is judged anew but what has other maps.
    place.contrasted(job, "control.grey", grey + 1, "trained")
    place.contrasted(job, "control.noise", noise, "trained")
    job.request = replace(job.request, command="compare", n_images=4 * N)  # judges a quarter
    known = {row["maps_sha"] for row in rows}
    again = [row for row in job.stage("judge") if row.get("metric") == "removal_gain"]
    anew = [row["explainer"] for row in again if row["maps_sha"] not in known]
    assert set(anew) == {"control.grey"} == {row["explainer"] for row in again} - {"control.noise"}
