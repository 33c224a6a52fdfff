"""What a user requests: the typed form of a command's options.

An option of the command line is a field made by `option`: its default, its help, the commands that
take it, and what makes a value of its text. Nothing else has to know of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bench.record.runs import LOCAL
from bench.subject import names, stages, values
from bench.subject.budgets import BUDGETS
from bench.subject.inputs import prepare_images, shared_weights
from implementations.architecture import registered
from implementations.contract import DEVICES, MODES, PRECISIONS
from implementations.errors import BadInput
from implementations.frameworks import Column

PARTS = stages.main_job()
"""The stages of the main job, in their order."""
ENGINES = ("local", "ray")
GRIDS = ("quick", "default", "full")
STAGES = "stages"
"""Stands for all the commands that run stages, where an option names its commands."""
NAMED = frozenset({
    "datasets", "architectures", "columns", "methods", "device", "precisions", "n_images", "batch",
    "rounds", "threads", "seeds", "epochs", "isolate", "allow_unverified",
})  # fmt: skip
"""Options that always name a run; the others do where they are not as they are by default."""
ASIDE = frozenset({
    "command", "timeout_s", "results", "data_dir", "compare", "baseline", "runs", "withdraw",
    "reason", "engine", "address", "exclusive",
})  # fmt: skip
"""Options that change nothing of what a run is."""


def option(
    default: Any, help: str, of: str = STAGES, to: Callable[[Any], Any] = str, *,
    name: str = "", **own: Any,
) -> Any:  # fmt: skip
    """One option of the command line, called `name` where that is not the field's.

    `of` are the commands that take it and `own` the defaults that some of them have; `...` must be
    given, and a function makes its value anew. `to` makes a value of the text, of a field that is a
    tuple of the list of texts; it raises ValueError with what is right.
    """
    metadata = {"help": help, "of": of.split(), "to": to, "name": name, "own": own}
    if default is ...:
        return field(metadata=metadata)
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Common:
    """What commands of several kinds are asked; `command` is the one."""

    # fmt: off
    command: str = ""
    device: str = option("cpu", "cpu or gpu", "explain train prototype stages",
                         values.word("device", DEVICES))
    data_dir: str | None = option(None, "folder of downloaded data, or CAMPARISON_DATA",
                                  "train prototype stages")
    allow_unverified: bool = option(False, "take data files whose digest is not the published one",
                                    "train prototype stages")
    epochs: int | None = option(None, "of training; by default each architecture's own",
                                "train compare sweep", values.positive)
    engine: str = option("local", "this machine, local, or a Ray cluster, ray",
                         "explain train stages", values.word("engine", ENGINES))
    address: str = option("", "of the Ray cluster; by default one of this machine's cores",
                          "explain train stages")
    exclusive: bool = option(False, "of the Ray cluster: all cores of a node for each job",
                             "explain train stages")
    # fmt: on


@dataclass(frozen=True, kw_only=True)
class Request(Common):
    """What is asked of the commands that run stages, over many columns."""

    # fmt: off
    datasets: tuple[str, ...] = option(
        (), "by default digits and shapes; timed and swept: digits, and photographs where their "
        "network's weights are", to=names.pick_datasets, name="dataset")
    architectures: tuple[str, ...] = option(
        (), "names or .json files; by default those planned", to=names.pick_architectures)
    networks: tuple[str, ...] = option(
        (), "folders of an architecture.json and its weights.safetensors",
        to=names.pick_networks, name="network")
    columns: tuple[Column, ...] = option(
        lambda: names.pick_columns(()), "as in keras[jax]; by default all", to=names.pick_columns,
        name="frameworks")
    methods: tuple[str, ...] = option(
        lambda: names.pick_methods(("core",)), "names, families (cam, gradient, ...; the one "
        "method is cam/cam), core or all; by default core, swept and conforming: all",
        to=names.pick_methods,
        sweep=lambda: names.pick_methods(()), conform=lambda: names.pick_methods(()))
    libraries: tuple[str, ...] = option((), "by default all", "conform", names.pick_libraries)
    explainer: str = option("", "a function of your own, as my_module:my_function; of a model, "
                            "images, targets and a layer: docs/conform.md", "conform",
                            values.function)
    like: str = option("grad_cam", "of such a function: the method that it is to be", "conform",
                       names.pick_method)
    precisions: tuple[str, ...] = option(
        ("float32", "float64"), "compared; timed around each, in compare around the first",
        "agree time compare sweep", values.words("precision", PRECISIONS), time=("float32",))
    n_images: int = option(256, "compared, or explained by every explainer; 64 in a compare that "
                           "names no data set, of which a quarter is explained so",
                           to=values.positive, name="images", compare=0, contrast=64, judge=64)
    batch: int = option(64, "timed", "time compare", values.positive)
    rounds: int = option(5, "processes, of which a time is the median", "time compare",
                         values.positive, time=3)
    isolate: bool = option(False, "every cell in a process of its own", "time compare")
    threads: int = option(0, "0: every core allowed", to=values.threads)
    grid: str = option("quick", f"timed: {', '.join(GRIDS)}", "time", values.word("grid", GRIDS),
                       time="default")
    modes: tuple[str, ...] = option(MODES, "the jit toggle", "time", values.words("mode", MODES))
    cold: bool = option(False, "compile anew in every round, not in the first alone", "time")
    compare: str | None = option(None, "an earlier run's file: say what changed since", "time")
    baseline: str | None = option(None, "an earlier run, by id or file: say what changed", "report")
    judge: Column | None = option(  # noqa: RUF009
        None, "column that scores all heatmaps; by default the fastest", "contrast judge compare",
        names.pick_column)
    budgets: tuple[int, ...] = option(
        (), "evaluations of the network at which explainers that sample are contrasted; none: as "
        "many as each takes unasked", "contrast judge compare", values.budgets, contrast=BUDGETS,
        compare=BUDGETS[:1])
    seeds: int = option(1, "trainings; contrasted: of the first network", "compare contrast",
                        values.positive)
    stages: tuple[str, ...] = option(
        PARTS, "each goes on from the weights in the results", "compare",
        values.words("stage", stages.names(), sort=True))
    timeout_s: float = option(900.0, "seconds of silence after which a process is killed",
                              to=values.seconds, name="timeout")
    results: Path = option(LOCAL, "folder of the runs", "report publish stages", values.folder)  # noqa: RUF009
    runs: tuple[str, ...] = option((), "runs to publish, by id", "publish", tuple, name="RUN")
    withdraw: tuple[str, ...] = option((), "published runs that leave", "publish", tuple)
    reason: str = option("", "why they are withdrawn", "publish")
    # fmt: on

    def __post_init__(self) -> None:
        """Networks in folders are architectures like any other, which have weights already."""
        object.__setattr__(self, "architectures", (*self.architectures, *self.networks))
        object.__setattr__(self, "networks", ())

    def identity(self) -> dict[str, Any]:
        """What makes a run the same run again. Raises BadInput for a broken JSON architecture."""
        named = {"architectures": tuple(map(registered.file_name, self.architectures))}
        given = {**vars(self), **named}
        plain = {each.name: each.default for each in fields(self) if each.name not in NAMED}
        return {
            name: str(value)
            for name, value in given.items()
            if name not in ASIDE and not (name in plain and value == plain[name])
        }

    def context(self) -> dict[str, Any]:
        """What every child is told beside its cells; images are put in place for them."""
        work = self.results / "work"
        out = work / "networks"
        try:
            images = {
                name: str(
                    prepare_images(name, self.n_images, work, self.data_dir, self.allow_unverified)
                )
                for name in self.datasets
            }
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"cannot write {work}: {error.strerror}; name another") from error
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
