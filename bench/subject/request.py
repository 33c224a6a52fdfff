"""What a user requests: the typed form of a command's options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.record.runs import LOCAL, Run
from bench.subject.inputs import prepare_images, shared_weights
from implementations.architecture import registered
from implementations.contract import MODES
from implementations.frameworks import Column

PARTS = ("train", "steps", "agree", "time", "contrast")
"""The stages of the main job, in their order; `steps` are the first steps of trainings alone."""
UNNAMED = (("grid", "quick"), ("modes", MODES), ("stages", PARTS), ("cold", False))
"""Options that leave a run the one it was before there were such options."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the command line asks of `train`, `agree`, `time`, `contrast`, `compare` and `sweep`."""

    datasets: tuple[str, ...]
    architectures: tuple[str, ...]
    columns: tuple[Column, ...]
    methods: tuple[str, ...]
    device: str = "cpu"
    precisions: tuple[str, ...] = ("float32", "float64")
    n_images: int = 256
    batch: int = 64
    rounds: int = 5
    threads: int = 0
    grid: str = "quick"
    modes: tuple[str, ...] = MODES
    cold: bool = False
    stages: tuple[str, ...] = PARTS
    seeds: int = 1
    epochs: int | None = None
    isolate: bool = False
    timeout_s: float = 900.0
    data_dir: str | None = None
    allow_unverified: bool = False
    results: Path = LOCAL

    def identity(self) -> dict[str, Any]:
        """What makes a run the same run again. Raises BadInput for a broken JSON architecture."""
        named = {"architectures": tuple(map(registered.file_name, self.architectures))}
        return {
            name: str(value)
            for name, value in {**vars(self), **named}.items()
            if name not in ("timeout_s", "results", "data_dir") and (name, value) not in UNNAMED
        }

    def context(self, run: Run) -> dict[str, Any]:
        """What every child is told beside its cells; images are put in place for them."""
        work = self.results / "work"
        out = work / "networks"
        out.mkdir(parents=True, exist_ok=True)
        images = {
            name: str(
                prepare_images(name, self.n_images, work, self.data_dir, self.allow_unverified)
            )
            for name in self.datasets
        }
        weights = {
            f"{dataset}/{architecture}/trained": str(
                shared_weights(dataset, architecture, self.results)
            )
            for dataset in self.datasets
            for architecture in self.architectures
        }
        return {
            "images": images,
            "weights": weights,
            "architectures": registered.forms(self.architectures),
            "n_images": self.n_images,
            "oracle": str(work / "oracle"),
            "out": str(out),
            "data_dir": self.data_dir,
            "allow_unverified": self.allow_unverified,
        }
