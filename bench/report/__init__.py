"""Tables and figures from rows. Nothing is typed by hand; what has no rows is not written.

A table is one file in `tables/`, a figure one file in `figures/`, found by their names.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from types import ModuleType

import pandas as pd

from bench.report import (
    canvas,
    changes,
    contact_sheet,
    files,
    gallery,
    overturned,
    sanity,
    shap_plots,
    site,
    stage_seconds,
)
from bench.report.beside import Drawing, drawing
from bench.report.files import Head
from bench.report.frame import Run, gather, groups
from bench.report.measured import standing
from bench.report.render import terminal
from bench.report.site.material import Material
from bench.report.table import Table
from implementations.errors import BadInput

CHOOSE = "choose"
Networks = Collection[tuple[str, str]]


def write(
    runs: Sequence[Run],
    results: Path,
    heatmaps: Sequence[Path] = (),
    networks: Networks | None = None,
    *,
    pages: bool = False,
    since: Run | None = None,
    published: Path | None = None,
    explained: Sequence[Path] = (),
    reproducers: Path | None = None,
    left: Sequence[Run] = (),
    before: Path | None = None,
) -> list[Path]:
    """Every table and figure that the rows permit, into `results/tables` and `results/figures`.

    `runs` are (head, rows) pairs, oldest first; `heatmaps` are the safetensors files of the
    gallery, oldest first, `explained` those of SHAP values: the newest that shows a network draws
    it. Figures, which take most of
    the time, are drawn of these (data set, architecture) `networks`, or of all, and where there is
    no matplotlib not at all. With `pages` the site is written too, which tells of other machines by
    the tables in the folder `published`. `since` an earlier run there is a table of what changed;
    of runs that have `left` since, and earlier ones, one of the findings that no longer stand.
    Networks whose heatmaps are not here are shown as the pages of the data `before` had them.
    Returns the files written. Raises BadInput where a place cannot be written, or the heatmaps
    cannot be read.
    """
    heads = [head for head, _ in runs]
    frame = gather(runs)
    drawable = canvas.missing() is None
    work: list[Drawing] = []
    for maker, paths in (("gallery", heatmaps), ("shap_plots", explained)):
        if paths and drawable:
            work.append(partial(_pictures, maker, heads, paths, results, networks))
    if heatmaps and drawable:
        work.append(partial(_sheets, heads, heatmaps, results, networks))
    for network, rows in groups(frame, ("dataset", "architecture")) if drawable else ():
        if networks is None or tuple(network.values()) in networks:
            work.append(partial(write_figures, rows, heads, results))
    with drawing(work) as figures:
        tables = make(runs, frame, left) + ([_changed(since, runs)] if since else [])
        written = _files(tables, results)
        if pages:
            named = {table.name: (table, foot) for table, foot in tables}
            folder = results / "tables"
            about = Material(frame, heads, named, folder, heatmaps, published, reproducers, before)
            written += site.write(about, results)
        written += figures
    return list(dict.fromkeys(written))


def write_tables(
    runs: Sequence[Run], results: Path, frame: pd.DataFrame | None = None
) -> list[Path]:
    """Every table that the rows permit, into `results/tables`. Returns the files written."""
    return _files(make(runs, gather(runs) if frame is None else frame), results)


def make(
    runs: Sequence[Run], frame: pd.DataFrame, left: Sequence[Run] = ()
) -> list[tuple[Table, list[str]]]:
    """Every table that the rows permit, each with the lines of its footer."""
    heads = [head for head, _ in runs]
    made = []
    for module in modules("tables"):
        rows = stages(frame, module)
        table = module.make(rows)
        made.append((table, _used(rows, table.data)))
    seconds = stage_seconds.make(runs)
    made.append((seconds, set(seconds.data.get("runs", ()))))
    fallen = overturned.make(runs, frame, left)
    made.append((fallen, set(fallen.data.get("run_id", ()))))
    return [(table, files.footer(heads, used)) for table, used in made if len(table.data)]


def _changed(since: Run, runs: Sequence[Run]) -> tuple[Table, list[str]]:
    """What changed from an earlier run to the newest that timed anything. Raises BadInput."""
    timed = [run for run in runs if any(row["stage"] == "time" for row in run[1])]
    others = [run for run in timed if run[0]["run_id"] != since[0]["run_id"]]
    if not others:
        raise BadInput(f"no run but {since[0]['run_id']} has times to hold against it")
    now = others[-1]
    heads = [since[0], now[0]]
    return changes.make(since, now), files.footer(heads, {str(h["run_id"]) for h in heads})


def _files(tables: Sequence[tuple[Table, list[str]]], results: Path) -> list[Path]:
    folder = results / "tables"
    return [path for made in tables for path in files.write_table(*made, folder)]


def write_figures(frame: pd.DataFrame, heads: Sequence[Head], results: Path) -> list[Path]:
    """The figures of one network: in a process beside the tables, as long as all of these."""
    written = []
    for module in modules("figures"):
        rows = stages(frame, module)
        foot = files.footer(heads, _used(rows))
        for stem, sheet in module.draw(rows):
            written.append(files.write_chart(sheet, stem, foot, results / "figures"))
    return written


def _pictures(
    maker: str, heads: Sequence[Head], kept: Sequence[Path], results: Path,
    networks: Networks | None,
) -> list[Path]:  # fmt: skip
    """The pictures of arrays that runs keep, by the module that makes them."""
    written = []
    drawn: set[str] = set()
    draw = {"gallery": gallery.draw, "shap_plots": shap_plots.draw}[maker]
    for path in reversed(kept):
        foot = files.footer(heads, {path.stem})
        for stem, figure in draw(path, drawn, networks):
            drawn.add(stem)
            written.append(files.write_figure(figure, stem, foot, results / "figures"))
    return written


def _sheets(
    heads: Sequence[Head], heatmaps: Sequence[Path], results: Path, networks: Networks | None
) -> list[Path]:
    """The contact sheets of heatmaps, each of as many runs as it takes, and the sanity checks."""
    written = []
    made = (contact_sheet.sheets(heatmaps, networks), sanity.draw(heatmaps, networks))
    for stem, figure, runs in chain(*made):
        foot = files.footer(heads, set(runs))
        written.append(files.write_figure(figure, stem, foot, results / "figures"))
    return written


def choose(runs: Sequence[Run]) -> str:
    """The choosing table, for the terminal; one line where nothing was timed."""
    module = importlib.import_module(f"bench.report.tables.{CHOOSE}")
    table = module.make(stages(gather(runs), module))
    if not len(table.data):
        return "Nothing was timed: no rows of the time stage.\n"
    return terminal(replace(table, note=""))  # how to read it stands in the file


def modules(folder: str) -> Iterator[ModuleType]:
    """The modules of `tables` or `figures`, by name."""
    for path in sorted((Path(__file__).parent / folder).glob("[a-z]*.py")):
        yield importlib.import_module(f"bench.report.{folder}.{path.stem}")


def stages(frame: pd.DataFrame, module: ModuleType) -> pd.DataFrame:
    """The rows of the stages that a module reads."""
    return frame[frame["stage"].isin(module.STAGES)]


def _used(rows: pd.DataFrame, data: pd.DataFrame | None = None) -> set[str]:
    """The runs that a table's data names, line by line; or those whose rows count among these."""
    if data is not None and "run_id" in data:
        return set(data["run_id"])
    timed = rows["stage"] == "time"
    return {*rows.loc[~timed, "run_id"], *standing(rows[timed])["run_id"]}
