"""What the pages are made of: the rows that count, the tables made of them, and whence they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from bench.record.runs import RESULTS
from bench.report import answers
from bench.report.answers import Place
from bench.report.files import machines
from bench.report.measured import started
from bench.report.site.cells import cells, day
from bench.report.site.pictures import Gallery, galleries, shown_before
from bench.report.site.shell import uncoded
from bench.report.table import Table

Frame = pd.DataFrame
IMPORTS = "imports"
PUBLISHED = " (published)"
"""After the name of a machine whose times are not the user's own."""


@dataclass(frozen=True)
class Material:
    """`tables` by name, each with the lines of its footer; `folder` has them as files.

    `heads` are of the runs, oldest first, `heatmaps` the files of the gallery, `published` the
    tables of other machines, and `reproducers` the folder of the files that show a deviation.
    `before` is the folder of the data of earlier pages, whose pictures stay where no heatmaps are.
    """

    frame: Frame
    heads: Sequence[Mapping[str, Any]]
    tables: Mapping[str, tuple[Table, Sequence[str]]]
    folder: Path
    heatmaps: Sequence[Path] = ()
    published: Path | None = None
    reproducers: Path | None = None
    before: Path | None = None
    _read: dict[str, Frame] = field(default_factory=dict)

    @cached_property
    def cells(self) -> Frame:
        """A line for each cell that was timed: here, and published of other machines."""
        own = cells(self.frame)
        path = self.published.parent / "site" / "data" / "cells.js" if self.published else None
        if path is None or not path.exists():
            return own
        others = uncoded(path)
        others = others[~others["machine_id"].isin(own["machine_id"])]
        told = others.assign(machine_id=others["machine_id"] + PUBLISHED)
        return pd.concat([own, told[own.columns]], ignore_index=True) if len(told) else own

    def table(self, name: str) -> Table | None:
        """A table; None where no row permits it."""
        found = self.tables.get(name)
        return found[0] if found else None

    def numbers(self, name: str) -> Frame:
        """The numbers of a table as its file has them; empty where there is none.

        Those of `imports` are of the checkout: no run of a user's has them.
        """
        if name not in self._read:
            folder = RESULTS if name == IMPORTS else self.folder
            self._read[name] = answers.read(folder / f"{name}.csv")
        return self._read[name]

    @cached_property
    def galleries(self) -> list[Gallery]:
        """The pictures of every network whose heatmaps are kept, here or by earlier pages."""
        made = list(galleries(self.heatmaps))
        if self.before:
            runs = {str(head["run_id"]) for head in self.heads}
            names = {each.name for each in made}
            made += [old for old in shown_before(self.before, runs) if old.name not in names]
        return made

    @cached_property
    def place(self) -> Place:
        """Whose times the answers are of: the README's, or where there is none the commonest."""
        timed = self.numbers("choose")
        wanted = [name for name in Place._fields if name != "layer"]
        if not len(timed):
            return answers.OWN
        mine = timed[timed["method"] == "grad_cam"]
        mine = mine if len(mine) else timed
        if (mine[wanted] == [getattr(answers.OWN, name) for name in wanted]).all(axis=1).any():
            return answers.OWN
        named = mine[[*wanted, "layer"]].astype(object)
        named = named.where(named.notna(), "")
        found = Counter(named.itertuples(index=False, name=None))
        *where, layer = max(found, key=lambda key: (found[key], key[wanted.index("batch")]))
        return Place._make((*where, layer or None))

    @cached_property
    def machines(self) -> list[dict[str, Any]]:
        """Every machine that rows are of, with the dates of its runs, the newest first."""
        found: dict[str, dict[str, Any]] = {}
        for head in sorted(self.heads, key=lambda head: started(str(head["run_id"]))):
            when = day(str(head["run_id"]))
            for each in machines(head):
                name = str(each.get("machine_id", ""))
                mine = found.setdefault(name, {"name": name, "first": when, "runs": 0})
                mine |= {k: each.get(k) for k in ("cpu", "cpus_allowed", "ram_gb", "gpu", "os")}
                mine |= {"last": when, "runs": mine["runs"] + 1}
        return sorted(found.values(), key=lambda mine: str(mine["last"]), reverse=True)
