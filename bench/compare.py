"""The main job, end to end: train, agree, time, contrast, and the tables made of it all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from bench import gallery, readme, report, schema
from bench.conduct import Conductor, Network
from bench.progress import console
from bench.stages import Ask, disagreements
from bench.store import RESULTS, ROOT, Row, published
from implementations import weights
from implementations.contract import BadInput

EMBEDDED = ("digits", "shapes")
PLANS: dict[str, dict[str, str]] = {
    "digits": {"cnn-32-16-8": "all", "cnn-gap": "pytorch"},
    "shapes": {"cnn-32-16-8": "jax", "cnn-gap": "pytorch"},
    "fashion_mnist": {"cnn-32-16-8": "all", "cnn-48-32-16": "all"},
    "mnist": {"cnn-pool-dropout": "all"},
    "cifar10": {"cnn-pool-dropout": "pytorch"},
    "photographs": {"squeezenet-1.0": "given"},
}
"""Data set -> its networks, and who trains each: `all` columns, one for all, or `given`."""


def networks(ask: Ask) -> list[Network]:
    """The networks of what was asked: those planned, or those named. Raises BadInput for none."""
    found = []
    for dataset in ask.datasets:
        planned = PLANS.get(dataset, {})
        for architecture in ask.architectures or tuple(planned):
            if architecture in planned or len(ask.datasets) == 1:
                found.append(Network(dataset, architecture, planned.get(architecture, "all")))
    if not found:
        raise BadInput(f"nothing is planned for {', '.join(ask.datasets)}; name --architectures")
    return found


def conductor(stage: str, ask: Ask) -> Conductor:
    """A conductor of a stage over what was asked; goes on with a killed run of the same."""
    asked = networks(ask)
    names = tuple(dict.fromkeys(network.architecture for network in asked))
    leader = Conductor(stage, replace(ask, architectures=names), asked)
    if leader.run.resumed:
        rows = len(leader.run.rows)
        console.print(f"Going on with {leader.run.run_id}: {rows} rows are there already.")
    return leader


def compare(ask: Ask) -> int:
    """Run everything that was asked; 0, or 3 where a check failed."""
    leader = conductor("compare", ask)
    rows = leader.train() + leader.likeness()
    rows += leader.agree(pictures=True) + leader.time() + leader.contrast()
    return conclude(leader, rows)


def conclude(leader: Conductor, rows: Iterable[Row]) -> int:
    """End the run: its file, the tables and pictures, the choosing table on the screen."""
    bad = disagreements(rows)
    results = leader.ask.results
    path = leader.run.finish()
    written = publish(results)
    console.print(report.choose(published(results)), markup=False, soft_wrap=True)
    console.print(f"\nRows:    {path}")
    for folder in sorted({str(file.parent) for file in written}):
        console.print(f"Written: {folder}/ ({sum(str(f.parent) == folder for f in written)} files)")
    for row in bad[:20]:
        what = row.get("reason") or f"{row['compared']} differs by {row['max_rel']:.3g}"
        where = (row["column"], row["method"] or row["task"], row["architecture"], row["dataset"])
        console.print(f"CHECK FAILED  {' '.join(where)}: {what}", markup=False, soft_wrap=True)
    if len(bad) > 20:
        console.print(f"CHECK FAILED  and {len(bad) - 20} more; see {results / 'tables'}")
    return 3 if bad else 0


def publish(results: Path) -> list[Path]:
    """Write every table and picture that the finished runs permit, and the column dictionary.

    Tables and pictures that no run permits any longer are removed. In the checkout's own results
    the README's tables are filled in as well.
    """
    runs = published(results)
    if not runs:
        raise BadInput(f"no runs in {results / 'runs'}; make one with `python -m bench compare`")
    weights.write_bytes(results / "README.md", schema.readme().encode())
    written = report.write(runs, results, gallery.kept(results))
    for folder in ("tables", "figures"):
        for path in set((results / folder).glob("*.*")) - set(written):
            path.unlink()
    if results == RESULTS and (ROOT / "README.md").exists():
        readme.update(ROOT / "README.md", results / "tables")
    return written
