"""Tables and figures from rows. Nothing is typed by hand; what has no rows is not written.

A table is one file in `tables/`, a figure one file in `figures/`, found by their names.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType

import pandas as pd

from bench.report import canvas, files, gallery, stage_seconds
from bench.report.files import Head
from bench.report.frame import Run, gather, groups
from bench.report.measured import standing

CHOOSE = "choose"
Networks = Collection[tuple[str, str]]


def write(
    runs: Sequence[Run],
    results: Path,
    heatmaps: Sequence[Path] = (),
    networks: Networks | None = None,
) -> list[Path]:
    """Every table and figure that the rows permit, into `results/tables` and `results/figures`.

    `runs` are (head, rows) pairs, oldest first; `heatmaps` are the safetensors files of the
    gallery, oldest first: the newest that shows a network draws it. Figures, which take most of
    the time, are drawn of these (data set, architecture) `networks`, or of all, and where there is
    no matplotlib not at all. Returns the files written. Raises BadInput where a place cannot be
    written, or the heatmaps cannot be read.
    """
    heads = [head for head, _ in runs]
    frame = gather(runs)
    drawable = canvas.missing() is None
    with ProcessPoolExecutor(2, get_context("spawn")) as beside:
        drawn = []
        if heatmaps and drawable:
            drawn.append(beside.submit(_galleries, heads, heatmaps, results, networks))
        for network, rows in groups(frame, ("dataset", "architecture")) if drawable else ():
            if networks is None or tuple(network.values()) in networks:
                drawn.append(beside.submit(_figures, rows, heads, results))
        written = _tables(frame, heads, results)
        for table in stage_seconds.make(runs):
            foot = files.footer(heads, set(table.data["runs"].str.split(", ").explode()))
            written += files.write_table(table, foot, results / "tables")
        for figures in drawn:
            written += figures.result()
    return list(dict.fromkeys(written))


def _tables(frame: pd.DataFrame, heads: Sequence[Head], results: Path) -> list[Path]:
    written = []
    for module in _modules("tables"):
        rows = _stages(frame, module)
        for table in module.make(rows):
            foot = files.footer(heads, _used(rows, table.data))
            written += files.write_table(table, foot, results / "tables")
    return written


def _figures(frame: pd.DataFrame, heads: Sequence[Head], results: Path) -> list[Path]:
    """The figures of one network: in a process beside the tables, as long as all of these."""
    written = []
    for module in _modules("figures"):
        rows = _stages(frame, module)
        foot = files.footer(heads, _used(rows))
        for stem, figure in module.draw(rows):
            written.append(files.write_figure(figure, stem, "svg", foot, results / "figures"))
    return written


def _galleries(
    heads: Sequence[Head], heatmaps: Sequence[Path], results: Path, networks: Networks | None
) -> list[Path]:
    """The pictures of heatmaps."""
    written = []
    drawn: set[str] = set()
    for path in reversed(heatmaps):
        foot = files.footer(heads, {path.stem})
        for stem, figure in gallery.draw(path, drawn, networks):
            drawn.add(stem)
            written.append(files.write_figure(figure, stem, "png", foot, results / "figures"))
    return written


def choose(runs: Sequence[Run]) -> str:
    """The choosing table as Markdown, for the terminal; one line where nothing was timed."""
    module = importlib.import_module(f"bench.report.tables.{CHOOSE}")
    rows = _stages(gather(runs), module)
    heads = [head for head, _ in runs]
    tables = [
        files.render(table, files.footer(heads, _used(rows, table.data)))
        for table in module.make(rows)
    ]
    return "\n".join(tables) or "Nothing was timed: no rows of the time stage.\n"


def _modules(folder: str) -> Iterator[ModuleType]:
    for path in sorted((Path(__file__).parent / folder).glob("[a-z]*.py")):
        yield importlib.import_module(f"bench.report.{folder}.{path.stem}")


def _stages(frame: pd.DataFrame, module: ModuleType) -> pd.DataFrame:
    return frame[frame["stage"].isin(module.STAGES)]


def _used(rows: pd.DataFrame, data: pd.DataFrame | None = None) -> set[str]:
    """The runs that a table's data names, line by line; or those whose rows count among these."""
    if data is not None and "run_id" in data:
        return set(data["run_id"])
    timed = rows["stage"] == "time"
    return {*rows.loc[~timed, "run_id"], *standing(rows[timed])["run_id"]}
