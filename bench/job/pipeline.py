"""The parent's side of the stages: which cells a set of networks asks for, run to the last one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.engine import compile_caches
from bench.engine.execute import execute, side_by_side
from bench.engine.progress import console
from bench.job import matrix
from bench.job.plans import Network, contrasted, once
from bench.record import described
from bench.record.cell import Cell
from bench.record.fingerprint import code_of
from bench.record.runs import Row, Run
from bench.stages import agree, contrast, gallery, train
from bench.stages.time import peak, timed
from bench.subject.inputs import architecture_for, has_masks, own_weights, shared_weights
from bench.subject.request import Request
from bench.truth import answers
from implementations.architecture.weights import about, write_bytes
from implementations.errors import BadInput

BASE = "cnn-48-32-16"
"""The architecture around which the grid of times is laid, where it is among those asked for."""
MODULES = {"oracle": "bench.truth.answers", "timing": "bench.stages.time.timing"}
"""Of stages that are not a file of their own in `bench/stages/`."""
CONTRASTED_IMAGES = 64
"""Images explained by every explainer, a quarter of those compared at the most."""


class Pipeline:
    """Runs stages over networks: what was asked, the run it goes into, what children are told."""

    def __init__(self, stage: str, request: Request, networks: Sequence[Network]) -> None:
        self.request = request
        self.networks = networks
        self.run = Run(stage, request.identity(), request.results)
        self.context: dict[str, Any] = request.context(self.run)
        self.out = Path(self.context["out"])

    def execute(self, title: str, cells: Sequence[Cell], **more: Any) -> list[Row]:
        """Run cells of one stage, side by side; the stage is a module (see MODULES)."""
        more = {"context": self.context, "at_once": side_by_side(), **more}
        context = more.pop("context")
        module = MODULES.get(title, f"bench.stages.{title}")
        return execute(
            self.run, title, module, cells, context, timeout_s=self.request.timeout_s, **more
        )

    def train(self) -> list[Row]:
        """Train every network; the first column's weights become those that all are given.

        A network that one column trains for all is not trained again where its weights are there,
        made by the very cell and code that would make them.
        """
        here = [column for column in self.request.columns if column.missing is None]
        if not here:
            raise BadInput("none of the frameworks asked for is installed")
        cells: list[Cell] = []
        for dataset, architecture, trainer in self.networks:
            one = next((c for c in here if c.label == trainer), here[0])
            columns = self.request.columns if trainer == "all" else (one,)
            if trainer != "given":
                part = replace(self.request, columns=columns)
                wanted = list(train.cells(part, dataset, architecture, ("native",)))
                path = shared_weights(dataset, architecture, self.request.results)
                there = about(path)
                made = {"cell_id": wanted[0].cell_id, "code_hash": code_of(wanted[0])}
                if trainer == "all" or not there.items() >= made.items():
                    cells += wanted
                else:
                    told = f"{architecture} on {dataset}: weights taken from {path.parent}"
                    console.print(f"{told}, trained by {wanted[0].column.label}")
        rows = self.execute("train", cells, isolate=self.request.seeds > 1)
        for dataset, architecture in dict.fromkeys((c.dataset, c.architecture) for c in cells):
            self._share(dataset, architecture, rows)
        return rows

    def _share(self, dataset: str, architecture: str, rows: Sequence[Row]) -> None:
        order = [column.label for column in self.request.columns]
        trained = [
            row
            for row in rows
            if row.get("artefact")
            and row["optimizer"] == "native"
            and (row["dataset"], row["architecture"]) == (dataset, architecture)
        ]
        if not trained:
            raise BadInput(
                f"no column could train {architecture} on {dataset}; see {self.run.folder}"
            )
        first = min(trained, key=lambda row: (row["seed"], order.index(row["column"])))
        target = own_weights(dataset, architecture, self.request.results)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(target, (self.out / first["artefact"]).read_bytes())
        self.context["weights"][f"{dataset}/{architecture}/trained"] = str(target)
        for row in trained:
            label = f"{row['column']} seed {row['seed']}"
            path = str(self.out / row["artefact"])
            self.context["weights"][f"{dataset}/{architecture}/{label}"] = path

    def steps(self) -> list[Row]:
        """The first steps of trainings, in every column: the losses must agree."""
        return self.execute("train", self._first_steps(), isolate=self.request.seeds > 1)

    def _first_steps(self) -> list[Cell]:
        """A few steps with one Adam.

        With several seeds more of them, and each framework's own Adam and plain SGD beside it.
        Only of networks without dropout, which cannot be made equal across frameworks, and of each
        architecture on its first data set.
        """
        several = self.request.seeds > 1
        steps = train.COMPARED_STEPS * (5 if several else 1)
        optimizers = ("matched", "native", "sgd") if several else ("matched",)
        cells: list[Cell] = []
        for dataset, name in once(self.networks):
            if "dropout" not in self._kinds(dataset, name):
                cells += train.cells(self.request, dataset, name, optimizers, steps=steps)
        return cells

    def _kinds(self, dataset: str, name: str) -> set[str]:
        return {node.kind for node in self._architecture(dataset, name).nodes}

    def _architecture(self, dataset: str, name: str) -> Any:
        return architecture_for(name, Path(self.context["images"][dataset]))

    def likeness(self) -> list[Row]:
        """How alike separately trained networks explain, in the first column there is.

        By Grad-CAM, so not those without a convolution.
        """
        column = next(c for c in self.request.columns if c.missing is None)
        cells = [
            Cell(
                stage="train", task="likeness", framework=column.framework,
                backend=column.backend, method="grad_cam", dataset=dataset,
                architecture=architecture, device=self.request.device,
            )
            for dataset, architecture, trainer in self.networks
            if trainer == "all" and "conv" in self._kinds(dataset, architecture)
        ]  # fmt: skip
        return self.execute("likeness", cells)

    def agree(self, thorough: bool = False, main: bool = False) -> list[Row]:
        """Every column against the oracle, whose answers come first.

        In the `main` job briefly, and keeping maps for the gallery.
        """
        pairs = [(dataset, architecture) for dataset, architecture, _ in self.networks]
        cells = list(agree.cells(self.request, self.context, pairs, thorough, brief=main))
        self.execute("oracle", answers.cells_for(cells), isolate=True)
        shown = gallery.paths(cells, self.context) if main else {}
        chosen = gallery.choose((cell for cell in cells if cell.cell_id in shown), self.context)
        context = {**self.context, "gallery": shown, "pictured": chosen}
        rows = self.execute("agree", cells, context=context)
        gallery.gather(cells, context, gallery.file(self.run.run_id, self.request.results))
        return rows

    def time(self, main: bool = False) -> list[Row]:
        """Fresh, interleaved processes, one at a time: nothing else runs on the machine.

        Rounds after the first start with what the first has compiled, unless all are to be cold.
        In the `main` job in the first precision alone.
        """
        cells = self._timed(self.request.precisions[:1] if main else self.request.precisions)
        self.execute("oracle", answers.cells_for(map(timed.our_cell, cells)), isolate=True)
        self.run.head["peak"] = peaks = peak.measure(self.request.threads)
        base = {"dataset": cells[0].dataset, "architecture": cells[0].architecture}
        grid = {"name": self.request.grid, "base": {**base, "batch": self.request.batch}}
        context = {**self.context, "peak": peaks, "grid": grid}
        with compile_caches.kept() as kept:
            cache = {} if self.request.cold else {"cache": str(kept)}
            return self.execute(
                "timing", cells, context={**context, **cache}, at_once=1,
                rounds=self.request.rounds, isolate=self.request.isolate,
            )  # fmt: skip

    def _timed(self, precisions: Sequence[str]) -> list[Cell]:
        """The grid around each precision. Raises BadInput where it is empty."""
        quick = self.request.grid == "quick"
        pairs = (once(self.networks) if quick else []) or [(d, a) for d, a, _ in self.networks]
        pairs.sort(key=lambda pair: pair[1] != BASE)
        networks = [
            (dataset, self._architecture(dataset, name), self._weights(dataset, name))
            for dataset, name in pairs
        ]
        bases = [replace(self.request, precisions=(precision,)) for precision in precisions]
        cells = list(dict.fromkeys(cell for base in bases for cell in matrix.cells(base, networks)))
        if not cells:
            self.run.discard()
            asked = ", ".join(column.label for column in self.request.columns)
            modes = ", ".join(self.request.modes)
            raise BadInput(f"nothing to time: {asked} has no {modes} mode; ask for other --modes")
        return cells

    def _weights(self, dataset: str, name: str) -> str:
        there = shared_weights(dataset, name, self.request.results).exists()
        return "trained" if there else "random"

    def contrast(self) -> list[Row]:
        """Our methods beside the libraries', one process at a time: cost is measured too."""
        context = {**self.context, "n_contrast": min(CONTRASTED_IMAGES, self.request.n_images // 4)}
        masked = {name for name, path in self.context["images"].items() if has_masks(Path(path))}
        chosen = contrasted(self.networks, masked)
        cells = [
            cell
            for dataset, architecture in chosen
            for cell in contrast.cells(self.request, dataset, architecture)
        ]
        rows = self.execute("contrast", cells, context=context, at_once=1)
        for dataset, architecture in chosen:
            network = [c for c in cells if (c.dataset, c.architecture) == (dataset, architecture)]
            kept = [cell for cell in network if contrast.map_path(cell, context).exists()]
            for cell, measured in contrast.likeness(kept, context):
                if not self.run.has(cell):
                    self.run.add(cell, 0, measured, described.of(cell, context))
        return rows
