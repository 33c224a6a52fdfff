"""What is published: which runs count, and the tables, pictures and README made of them.

`published.toml` names the runs, each with its digest; `superseded.csv` those that have left the
tree, and the commit in which each can be read.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import report
from bench.engine.progress import console
from bench.job import readme, superseded, written
from bench.record import dictionary, runs
from bench.record.runs import LIST, LOCAL, RESULTS, ROOT
from bench.report import canvas, frame, site
from bench.stages import gallery, shap
from implementations.architecture import weights
from implementations.errors import BadInput, unknown

REPRODUCERS = "reproducers"
HEADER = "# What the tables are made of, by `python -m bench publish`; not to be edited.\n"
FIELDS = ("file", "sha256", "machine", "commit", "date")
Networks = Collection[tuple[str, str]]
Run = tuple[dict[str, Any], list[runs.Row]]


def say(line: str) -> None:
    """A line about what was left out or left as it is."""
    console.print(line, markup=False, soft_wrap=True)


def tables(
    results: Path, networks: Networks | None = None, since: frame.Run | None = None
) -> list[Path]:
    """Write every table, picture and page that the runs permit, and the column dictionary.

    Pictures are drawn of these (data set, architecture) `networks` only, where they are named;
    where all are drawn, those that no run permits any longer are removed, as such tables always
    are. Without matplotlib they are left as they are, and that is said; pages likewise. In the
    checkout's own results only the README's pictures are kept, and its blocks are filled in. A
    table tells what changed `since` an earlier run. Raises BadInput where there are no runs.
    """
    found = runs.published(results, say)
    if not found:
        raise BadInput(
            f"no runs in {results / 'runs'}; make one with `python -m bench compare`, or open the "
            f"published pages in {RESULTS / site.FOLDER / 'index.html'}"
        )
    tracked = results == RESULTS
    shown = pictures(ROOT / "README.md") if tracked else set()
    heatmaps, explained = gallery.kept(results), shap.kept_files(results)
    if tracked:
        names = {str(head["run_id"]) for head, _ in found}
        heatmaps += [path for path in gallery.kept(LOCAL) if path.stem in names]
        explained += [path for path in shap.kept_files(LOCAL) if path.stem in names]
    if reason := canvas.missing():
        say(f"No pictures: {reason}. `python -m bench report` draws them where it is.")
    if lacking := site.missing():
        say(f"No pages: {lacking}. `python -m bench report` makes them where they are.")
    with written.staging(results) as folder:
        made = report.write(
            found, folder, heatmaps, networks,
            pages=not lacking, since=since, published=None if tracked else RESULTS / "tables",
            explained=explained, reproducers=results / REPRODUCERS,
            left=superseded.explaining(results, say),
            before=results / site.FOLDER / "data" if tracked else None,
        )  # fmt: skip
        weights.write_bytes(folder / "README.md", dictionary.readme().encode())
        staged = {str(path.relative_to(folder)): path for path in [folder / "README.md", *made]}
        if tracked:
            staged = {n: p for n, p in staged.items() if p.parent.name != "figures" or n in shown}
        whole = networks is None and not reason

        def gone(name: str) -> bool:
            if name.startswith("site/"):
                return not lacking
            return name.startswith("tables/") or (
                whole and name.startswith("figures/") and name not in shown
            )

        placed = written.place(staged, results, say, gone)
    if tracked:
        readme.update(ROOT / "README.md", results / "tables")
    return placed


def pictures(page: Path) -> set[str]:
    """The pictures of the results that a page shows, by their names below the results."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    return set(re.findall(r"\(results/(figures/[^)\s]+)\)", text))


def publish(
    names: Sequence[str],
    withdrawn: Sequence[str] = (),
    reason: str = "",
    *,
    source: Path = LOCAL,
    results: Path = RESULTS,
) -> list[Path]:
    """Take runs into the published ones, let others go, and make everything of them anew.

    `names` are run ids in `source`; `withdrawn` are published ones, which leave for `reason`. So
    does a run of which every cell was measured again, on its machine, by one run or more published
    since. Returns the files written. Raises BadInput before anything is changed where a run cannot
    be read, is published already, or is not in a commit in which it could be read later.
    """
    listed = {entry["file"]: entry for entry in runs.named(results)}
    there = {path.name.removesuffix(".jsonl.gz"): path for path in source.glob("runs/*.jsonl.gz")}
    if strange := sorted(set(names) - there.keys()):
        raise BadInput(unknown("run", strange[0], sorted(there), f"of {source} "))
    if twice := sorted({there[name].name for name in names} & listed.keys()):
        raise BadInput(f"{twice[0]} is published already")
    leaving = {f"{name}.jsonl.gz": reason for name in withdrawn}
    if strangers := sorted(leaving.keys() - listed.keys()):
        raise BadInput(f"{strangers[0]} is not published; {results / LIST} names those that are")
    added = {there[name].name: runs.read(there[name]) for name in names}
    if added:
        kept = {file: runs.read(results / "runs" / file) for file in listed}
        leaving = {**outdated({**kept, **added}, kept), **leaving}
    gone = [
        {"file": file, "sha256": listed[file]["sha256"], "reason": why,
         "commit": superseded.commit(results / "runs" / file)}
        for file, why in sorted(leaving.items())
    ]  # fmt: skip
    for file, run in added.items():
        content = (source / "runs" / file).read_bytes()
        (results / "runs").mkdir(parents=True, exist_ok=True)
        weights.write_bytes(results / "runs" / file, content)
        listed[file] = entry(results / "runs" / file, run[0])
        _take_weights(run[1], source, results)
        _take_reproducers(run[1], source / REPRODUCERS, results / REPRODUCERS)
    write_list(results, [one for file, one in listed.items() if file not in leaving])
    superseded.note(results, gone)
    for line in gone:
        (results / "runs" / line["file"]).unlink()
        say(f"{line['file']} leaves: {line['reason']}; it can be read in {line['commit'][:12]}")
    return tables(results)


def outdated(found: Mapping[str, Run], among: Iterable[str]) -> dict[str, str]:
    """File -> reason, of those runs `among` all of which newer runs of the machine have.

    A cell that ran in fewer processes than before is not measured again: its interval is wider.
    """
    order = sorted(found, key=lambda file: runs.started(found[file][0]))
    newest: dict[tuple[str, str], str] = {}
    cells: dict[str, dict[tuple[str, str], set[Any]]] = {}
    for file in order:
        head, rows = found[file]
        own = head["machine_id"]
        cells[file] = defaultdict(set)
        for row in rows:
            cell = str(row.get("machine_id") or own), str(row["cell_id"])
            cells[file][cell].add(row.get("round", 0))
        for cell, rounds in cells[file].items():
            if cell not in newest or len(rounds) >= len(cells[newest[cell]][cell]):
                newest[cell] = file
    reasons = {}
    for file in among:
        if file not in (by := {newest[cell] for cell in cells[file]}):
            told = ", ".join(sorted(name.removesuffix(".jsonl.gz") for name in by))
            reasons[file] = f"every cell measured again by {told}" if by else "it has no rows"
    return reasons


def entry(path: Path, head: Mapping[str, Any]) -> dict[str, str]:
    """What `published.toml` says of a run."""
    started = runs.started(head)
    return {
        "file": path.name,
        "sha256": runs.digest(path),
        "machine": str(head["machine_id"]),
        "commit": str(head.get("git_sha") or ""),
        "date": f"{started[:4]}-{started[4:6]}-{started[6:8]}",
    }


def write_list(results: Path, entries: Iterable[Mapping[str, str]]) -> None:
    """Write `published.toml`."""
    parts = [HEADER]
    for one in sorted(entries, key=lambda one: one["file"]):
        lines = (f"{name} = {json.dumps(one[name])}" for name in FIELDS)
        parts.append("[[run]]\n" + "\n".join(lines) + "\n")
    weights.write_bytes(results / LIST, "\n".join(parts).encode())


def _take_reproducers(rows: Iterable[runs.Row], source: Path, folder: Path) -> None:
    """Take the files that a run's rows name, each of which shows a deviation by itself."""
    for name in sorted({str(row["reproducer"]) for row in rows if row.get("reproducer")}):
        path = source / Path(name).name
        if path.exists():
            folder.mkdir(exist_ok=True)
            weights.write_bytes(folder / path.name, path.read_bytes())


def _take_weights(rows: Iterable[runs.Row], source: Path, results: Path) -> None:
    """Take the shared weights that a run's rows are of, where the source still has them."""
    known = {str(row.get("weights_sha")) for row in rows}
    for path in sorted((source / "weights").glob("*.safetensors")):
        if weights.digest(weights.load(path)) in known:
            (results / "weights").mkdir(exist_ok=True)
            weights.write_bytes(results / "weights" / path.name, path.read_bytes())
