from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image

from bench import report
from bench.job import publishing
from bench.record import runs
from bench.report import canvas, files
from implementations.architecture import weights
from implementations.errors import BadInput


def everything(make: Any) -> list[dict[str, Any]]:
    rows = make.times("jax", [20.0] * 3) + make.times("pytorch", [30.0] * 3)
    rows += make.times("jax", [10.0] * 3, mode="compiled", compile_s=1.0)
    for column in ("jax", "pytorch"):
        for optimizer in ("matched", "native"):
            rows += make.epochs(column, [[2.0, 1.5], [1.0, 0.9]], optimizer=optimizer)
        rows += [make.agree(column, "heatmap", kinks=[[1, 0.1, 1e-9, 0.0]])]
    rows += [make.row("train", "jax", task="likeness", metric="spearman", value=0.5, n=3,
                      weights="jax seed 0", against="pytorch seed 0")]  # fmt: skip
    for method, ms in (("grad_cam", 10.0), ("saliency", 40.0)):
        rows += [make.row("contrast", "jax", method=method, median_ms=ms, evaluations=1)]
        quality = {"metric": "pointing_game", "subset": "all", "value": ms / 50, "n": 8}
        rows += [make.row("contrast", "jax", method=method, **quality)]
    rows += [make.row("contrast", "jax", task="likeness", metric="spearman", value=0.3, n=8,
                      against="saliency")]  # fmt: skip
    return rows


def test_without_matplotlib_there_are_tables_alone_and_pictures_stay(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(canvas, "find_spec", lambda name: None)
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "drawn elsewhere.svg").touch()
    found = [(make.head, everything(make))]
    monkeypatch.setattr(runs, "published", lambda results, say: found)
    written = publishing.tables(tmp_path)
    places = {path.relative_to(tmp_path).parts[0] for path in written}
    assert places == {"README.md", "tables", "site"}
    assert len(written) > 10
    assert (tmp_path / "figures" / "drawn elsewhere.svg").exists()
    assert "matplotlib, vl_convert not installed" in capsys.readouterr().err


def test_everything_the_rows_permit_is_written(make: Any, tmp_path: Path) -> None:
    arrays = {
        "digits/cnn-gap/images": np.ones((1, 4, 4, 1), np.float32),
        "digits/cnn-gap/cam/jax": np.ones((1, 4, 4), np.float32),
    }
    maps = tmp_path / f"{make.head['run_id']}.safetensors"
    weights.save(maps, arrays)
    written = report.write([(make.head, everything(make))], tmp_path / "results", [maps])
    names = sorted(path.relative_to(tmp_path / "results").as_posix() for path in written)
    tables = (
        "agreement", "agreement_kinks", "agreement_stages", "choose", "contrast",
        "contrast_likeness", "conventions", "overhead", "price_of_jit", "training",
        "training_likeness", "training_parting", "training_per_class",
    )  # fmt: skip
    figures = (
        "frontier_digits_cnn-gap_cpu.svg", "gallery_digits_cnn-gap_cam.png",
        "loss_curves_digits_cnn-gap_cpu.svg", "price_of_jit_digits_cnn-gap_cpu.svg",
    )  # fmt: skip
    expected = [f"tables/{name}.{kind}" for name in tables for kind in ("csv", "md")]
    assert names == sorted([*expected, *(f"figures/{name}" for name in figures)])
    for path in written:
        content = path.read_bytes()
        assert b"compare-20250101T000000-m1" in content
        if path.suffix == ".md":
            rows = [line for line in content.decode().splitlines() if line.startswith("|")]
            assert all(line.count(" | ") < 12 for line in rows)
            assert b"abcdef with uncommitted changes" in content
            assert b"numpy 2.1.0" in content
        if path.suffix == ".png":
            with Image.open(path) as picture:
                assert picture.mode == "P" and "numpy 2.1.0" in picture.info["Description"]
        if path.suffix == ".csv":
            assert len(pd.read_csv(path, comment="#"))
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_process_that_is_killed_while_it_draws_loses_no_figure(make: Any, tmp_path: Path) -> None:
    found = [(make.head, everything(make))]
    whole = {path.name: path.read_bytes() for path in report.write(found, tmp_path / "whole")}
    killed: list[int] = []

    def kill() -> None:
        deadline = time.monotonic() + 60
        while not killed and time.monotonic() < deadline:
            for child in psutil.Process().children():
                with suppress(psutil.NoSuchProcess):
                    if "spawn_main" in " ".join(child.cmdline()):
                        child.kill()
                        killed.append(child.pid)

    killer = threading.Thread(target=kill)
    killer.start()
    written = report.write(found, tmp_path / "struck")
    killer.join()
    assert killed
    assert {path.name: path.read_bytes() for path in written} == whole


def test_writing_twice_gives_the_same_bytes(make: Any, tmp_path: Path) -> None:
    runs = [(make.head, everything(make))]
    first = {path: path.read_bytes() for path in report.write(runs, tmp_path)}
    second = {path: path.read_bytes() for path in report.write(runs, tmp_path)}
    assert first == second


@pytest.mark.parametrize("runs", [[], "head only"])
def test_nothing_is_written_without_rows(make: Any, tmp_path: Path, runs: Any) -> None:
    given = [(make.head, [])] if runs else []
    assert report.write(given, tmp_path) == []
    assert report.choose(given).startswith("Nothing was timed")
    assert not list(tmp_path.iterdir())


def test_choose_is_the_table_as_text(make: Any) -> None:
    text = report.choose([(make.head, everything(make))])
    assert text.startswith("Choosing a framework\n====")
    assert "what      jax" in text
    assert "×3.00" in text


def test_csv_survives_what_a_reason_may_hold(make: Any, tmp_path: Path) -> None:
    reason = 'a "quoted", # hashed\nand broken | line'
    rows = [
        *make.times("jax", [1.0]),
        make.row("time", "keras[jax]", status="failed", reason=reason),
    ]
    paths = report.write([(make.head, rows)], tmp_path)
    data = pd.read_csv(next(p for p in paths if p.name == "choose.csv"), comment="#")
    assert data.set_index("column").loc["keras[jax]", "reason"] == " ".join(reason.split())


def test_a_run_that_was_measured_anew_is_named_nowhere(make: Any, tmp_path: Path) -> None:
    stamps = ("20250101T000000", "20250102T000000", "20250103T000000")
    heads = [{**make.head, "run_id": f"time-{stamp}-m1", "asked": {}} for stamp in stamps]
    old, other, new = (head["run_id"] for head in heads)
    both = make.times("jax", [20.0] * 3) + make.times("pytorch", [30.0] * 3)
    measured = (both, make.times("jax", [9.0] * 3, batch=8), both)
    runs = [
        (head, [{**row, "run_id": head["run_id"]} for row in rows])
        for head, rows in zip(heads, measured, strict=True)
    ]
    written = report.write(runs, tmp_path)
    named = [path.read_text() for path in written if path.suffix in (".md", ".svg")]
    assert len(named) >= 2 and not any(old in text for text in named)
    assert any(other in text for text in named) and all(new in text for text in named)


def test_footer_names_only_the_runs_that_were_read(make: Any) -> None:
    other = {**make.head, "run_id": "other", "git_sha": "", "gpu": "H200", "driver": "570"}
    lines = files.footer([make.head, other], {"other"})
    assert "Runs: other." in lines
    assert any("H200 570" in line for line in lines)
    assert "Code: not under version control with uncommitted changes." in lines
    assert not any("abcdef" in line for line in lines)


def test_a_place_that_cannot_be_written_is_bad_input(make: Any, tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    with pytest.raises(BadInput, match="results"):
        report.write([(make.head, make.times("jax", [1.0]))], tmp_path / "results")


def test_stem_is_a_file_name_whatever_the_parts() -> None:
    assert files.stem("gallery", "a/b c", "net.json") == "gallery_a-b-c_net.json"


def test_figures_of_degenerate_curves_are_drawn(make: Any, tmp_path: Path) -> None:
    rows = make.epochs("jax", [[float("nan"), float("nan")]]) + make.epochs("pytorch", [[0.0, 0.0]])
    rows += make.epochs("jax", [[1.0]], dataset="shapes")
    rows += make.epochs("pytorch", [[1.0]], dataset="shapes")
    names = {path.name for path in report.write([(make.head, rows)], tmp_path)}
    assert {"loss_curves_digits_cnn-gap_cpu.svg", "loss_curves_shapes_cnn-gap_cpu.svg"} < names


def test_what_changed_since_an_earlier_run_is_a_table_and_a_page(make: Any, tmp_path: Path) -> None:
    now = {**make.head, "run_id": "time-20250102T000000-m1"}
    rows = [make.times("jax", [ms, ms * 1.01, ms * 1.02]) for ms in (10.0, 30.0)]
    for row in rows[1]:
        row["run_id"] = now["run_id"]
    runs = [(head, make.described(mine)) for head, mine in zip((make.head, now), rows, strict=True)]
    written = report.write(runs, tmp_path, (), (), pages=True, since=runs[0])
    names = {path.relative_to(tmp_path).as_posix() for path in written}
    assert {"tables/changes.csv", "site/tables/changes.html"} <= names
    assert "1 with a real change: 1 slower" in (tmp_path / "site" / "index.html").read_text()
    with pytest.raises(BadInput, match="has times to hold against it"):
        report.write(runs[:1], tmp_path, (), (), since=runs[0])
