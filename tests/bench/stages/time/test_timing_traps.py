from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clocking import CHILDREN, TRAP, run

from bench.record.cell import Cell
from bench.record.schema import COLUMNS
from bench.stages.time.clocked import MOST_VISITS, VISITS


def test_every_trap_is_refused_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    wrong = ("wrong", "wrong bfloat16", "closed over", "nan")
    traps = ("none", "late", "scattered", "zero", *wrong)
    cells = [replace(TRAP, options=(("trap", trap),)) for trap in traps]
    pretended = replace(TRAP, task="heatmap", mode="compiled")
    cells.append(replace(pretended, options=(("trap", "never compiled"),)))
    found = run(cells, "traps", {}, tmp_path / "log")
    refused = (*wrong, "never compiled")
    assert {trap: [row["status"] for row in rows] for trap, rows in found.items()} == {
        "none": ["ok"], "late": ["ok"], "scattered": ["ok"], "zero": ["ok"],
        **{trap: ["wrong"] for trap in refused},
    }, found  # fmt: skip
    for trap in refused:
        assert "median_ms" not in found[trap][0] and "samples_ns" not in found[trap][0]
    assert "disagrees with the oracle: max_rel 0.5" in found["wrong"][0]["reason"]
    assert "against what its median may be" in found["wrong bfloat16"][0]["reason"]
    assert found["wrong"][0]["max_rel"] == pytest.approx(0.5, abs=1e-6)
    assert "two different inputs gave the same output" in found["closed over"][0]["reason"]
    assert "nothing was compiled in mode compiled" in found["never compiled"][0]["reason"]
    assert "inputs are not folded in went unchecked" in found["zero"][0]["notes"]

    row = found["none"][0]
    samples = np.array(row["samples_ns"]) / 1e6
    assert len(samples) >= VISITS and samples.min() > 0
    scattered = found["scattered"][0]  # 20 ms or 40, a call a visit: more visits are made
    assert len(scattered["samples_ns"]) == MOST_VISITS and 15 < scattered["iqr_ms"] < 25
    late = found["late"][0]  # once quick, it is sampled as a quick one
    assert len(late["samples_ns"]) > VISITS and late["median_ms"] < 50, late
    assert samples.min() <= row["median_ms"] <= samples.max()
    assert row["min_ms"] <= row["median_ms"] <= row["p95_ms"]
    assert row["images_per_s"] == pytest.approx(8e3 / row["median_ms"])
    assert row["agree"] is True and row["compile_s"] is None and row["import_s"] > 0
    assert not set(row) - set(COLUMNS)


COSTLESS = {
    "stands still": "not right",
    "by a thread, filled in": "not right",
    "by a thread, waited for": "was not there when the call was over",
    "only what is public": "on images that no list has",
}
"""What would cost nothing, or be wrong, once it is under the clock -> why it is refused."""


@pytest.mark.parametrize(
    ("package", "framework", "mode"), [("torch", "pytorch", "eager"), ("jax", "jax", "compiled")]
)
def test_answers_that_were_not_computed_when_timed_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, framework: str, mode: str
) -> None:
    pytest.importorskip(package)
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    cell = replace(TRAP, framework=framework, mode=mode)
    kept = ("kept by images", "kept by address")
    traps = ("none", *kept, *COSTLESS)
    cells = [replace(cell, options=(("trap", trap),)) for trap in traps]
    found = run(cells, "traps", {}, tmp_path / "log")
    assert found["none"][0]["status"] == "ok", found["none"]
    # No images come twice: what is kept by them is computed all the same, and timed as that. Kept
    # by an address, it is that or, where addresses come twice, wrong.
    rows = [found[trap][0] for trap in kept]
    assert rows[0]["status"] == "ok", rows[0]
    for row in rows:
        honest = row["status"] == "ok" and row["median_ms"] >= 20
        assert honest or (row["status"] == "wrong" and "not right" in row["reason"]), row
    for trap, why in COSTLESS.items():
        [row] = found[trap]
        assert row["status"] == "wrong" and why in row["reason"], (trap, row)
        assert "median_ms" not in row and "samples_ns" not in row


@pytest.mark.parametrize(("package", "framework"), [("torch", "pytorch"), ("jax", "jax")])
def test_what_a_cell_is_not_it_cannot_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, framework: str
) -> None:
    pytest.importorskip(package)
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    eager = replace(TRAP, task="heatmap", framework=framework, mode="eager")
    reasons = {
        "compiled inside": "though the cell is called eager",
        "states one of 52": "it states 1 evaluations an image and makes 52",
    }
    cells = [replace(eager, options=(("trap", trap),)) for trap in ("none", *reasons)]
    found = run(cells, "traps", {}, tmp_path / "log")
    assert found["none"][0]["status"] == "ok", found
    for trap, reason in reasons.items():
        [row] = found[trap]
        assert row["status"] == "wrong" and reason in row["reason"], row
        assert "median_ms" not in row and "samples_ns" not in row


def test_a_librarys_answer_is_the_librarys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("captum")
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    theirs = replace(TRAP, task="heatmap", library="captum", method="saliency")
    traps = ("none", "our own map", "their map")
    cells = [replace(theirs, options=(("trap", trap),)) for trap in traps]
    found = run(cells, "traps", {}, tmp_path / "log")
    assert found["their map"][0]["status"] == "ok", found
    assert "no code of captum ran" in found["none"][0]["reason"], found
    assert "a method of ours ran inside" in found["our own map"][0]["reason"], found


def test_a_time_above_the_machines_peak_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    cells = [replace(TRAP, options=(("trap", trap),)) for trap in ("slow", "none")]
    # At the peak the work takes 50 ms: the one that sleeps 100 ms is possible.
    context = {"flops": 5e8, "peak": {"float32": 1e10}}
    found = run(cells, "traps", context, tmp_path / "log")
    assert found["slow"][0]["status"] == "ok" and found["slow"][0]["peak_share"] < 0.55, found
    [row] = found["none"]
    assert row["status"] == "wrong" and "times the machine's measured peak" in row["reason"], row
    assert "median_ms" not in row and "samples_ns" not in row


def test_compiling_while_timed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jax")
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    jax = replace(TRAP, framework="jax", mode="compiled")
    cells = [replace(jax, options=(("trap", trap),)) for trap in ("none", "recompiles")]
    found = run(cells, "traps", {}, tmp_path / "log")
    assert found["none"][0]["status"] == "ok", found
    assert found["none"][0]["compile_count"] >= 1 and found["none"][0]["compile_s"] >= 0
    assert found["recompiles"][0]["status"] == "wrong"
    assert "times while timed" in found["recompiles"][0]["reason"]
    assert "median_ms" not in found["recompiles"][0]


def training(small: Any, framework: str, backend: str = "", trap: str = "none") -> Cell:
    cell: Cell = replace(
        small.cell, stage="time", task="train_step", method="", layer="", precision="float32",
        mode="compiled", optimizer="native", batch=8, framework=framework, backend=backend,
        options=(("trap", trap),),
    )  # fmt: skip
    return cell


@pytest.mark.parametrize(
    ("packages", "column"),
    [(("jax", "optax"), ("jax",)), (("keras", "tensorflow"), ("keras", "tensorflow"))],
)
def test_training_steps_that_compile_while_timed_are_refused(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    packages: tuple[str, ...], column: tuple[str, ...],
) -> None:  # fmt: skip
    for name in packages:
        pytest.importorskip(name)
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    [row] = run([training(small, *column)], "traps", small.context, tmp_path / "log")["none"]
    assert row["status"] == "ok" and row["compile_count"] >= 1, row
    recompiling = training(small, *column, trap="other steps")
    [row] = run([recompiling], "traps", small.context, tmp_path / "log")["other steps"]
    assert row["status"] == "wrong" and "times while timed" in row["reason"], row


@pytest.mark.parametrize(
    ("package", "framework", "words"),
    [("torch", "pytorch", "nothing was compiled"), ("optax", "jax", "programs were compiled, one")],
)
def test_training_steps_that_run_eagerly_are_refused(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    package: str, framework: str, words: str,
) -> None:  # fmt: skip
    pytest.importorskip(package)
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    eager = training(small, framework, trap="steps eagerly")
    [row] = run([eager], "traps", small.context, tmp_path / "log")["steps eagerly"]
    assert row["status"] == "wrong" and words in row["reason"], row


@pytest.mark.parametrize(("package", "framework"), [("torch", "pytorch"), ("optax", "jax")])
def test_training_steps_that_learn_nothing_are_refused(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, framework: str
) -> None:
    pytest.importorskip(package)
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    still = training(small, framework, trap="never learns")
    # Without dropout: with it no two losses are alike, whatever is learned.
    still = replace(still, mode="eager", architecture="cnn-32-16-8", weights="random")
    [row] = run([still], "traps", small.context, tmp_path / "log")["never learns"]
    assert row["status"] == "wrong" and "nothing was learned" in row["reason"], row


@pytest.mark.parametrize(("package", "framework"), [("torch", "pytorch"), ("optax", "jax")])
def test_training_steps_that_fold_their_images_in_or_stand_still_are_refused(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, framework: str
) -> None:
    pytest.importorskip(package)
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    whole = training(small, framework, trap="none")
    whole = replace(whole, mode="eager", architecture="cnn-32-16-8", weights="random")
    folding = replace(whole, options=(("trap", "images folded in"),))
    standing = replace(whole, options=(("trap", "stands still"),))
    found = run([whole, folding, standing], "traps", small.context, tmp_path / "log")
    [row], [folded], [stood] = (
        found[trap] for trap in ("none", "images folded in", "stands still")
    )
    assert row["status"] == "ok" and row["agree"] is True, row
    assert folded["status"] == "wrong" and "folded in" in folded["reason"], folded
    assert stood["status"] == "wrong" and "answered while timed" in stood["reason"], stood


def test_a_missing_barrier_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jax")
    monkeypatch.setenv("PYTHONPATH", str(CHILDREN))
    jax = replace(TRAP, framework="jax")
    traps = ("waited", "unwaited", "briefly unwaited")
    cells = [replace(jax, options=(("trap", trap),)) for trap in traps]
    found = run(cells, "traps", {}, tmp_path / "log")
    assert found["waited"][0]["status"] == "ok", found
    for trap in traps[1:]:
        row = found[trap][0]
        assert row["status"] == "wrong" and "samples_ns" not in row, trap
        assert "was not there when the call was over" in row["reason"]
