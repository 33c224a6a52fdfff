"""The commands that run whole stages: agree, time, contrast, compare, sweep and report."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.cli import names
from bench.engine.progress import answer
from bench.job import changes, main_job, publishing
from bench.job.pipeline import Pipeline
from bench.job.plans import planned, source
from bench.record import machine
from bench.record.runs import Row
from bench.report.changes import compare as what_changed
from bench.subject.inputs import shared_weights
from bench.subject.request import PARTS, Request
from implementations.architecture import registered
from implementations.errors import BadInput

OWN = (
    "precisions", "batch", "rounds", "isolate", "epochs", "seeds", "stages", "grid", "modes", "cold"
)  # fmt: skip
"""Options that only some commands take; elsewhere an `Request` has its own default."""


def request_of(arguments: Namespace) -> Request:
    """What the arguments ask for, checked. Raises BadInput."""
    return Request(
        datasets=names.pick_datasets(arguments.dataset or ()),
        architectures=tuple(map(registered.take, arguments.architectures or ())),
        columns=names.pick_columns(arguments.frameworks),
        methods=names.pick_methods(arguments.methods),
        device=arguments.device, n_images=arguments.images or _images(arguments),
        threads=arguments.threads, timeout_s=arguments.timeout, data_dir=arguments.data_dir,
        allow_unverified=arguments.allow_unverified, results=Path(arguments.results).resolve(),
        **_own(vars(arguments)),
    )  # fmt: skip


def _own(given: Mapping[str, Any]) -> dict[str, Any]:
    """What only some commands take, as far as it was given."""
    own = {name: given[name] for name in OWN if given.get(name) is not None}
    lists = {name: tuple(own[name]) for name in ("precisions", "modes") if name in own}
    parts = {"stages": tuple(part for part in PARTS if part in own.get("stages", PARTS))}
    return own | lists | parts


def _images(arguments: Namespace) -> int:
    """Images compared by default: fewer where the main job is to be done in minutes."""
    quick = arguments.command == "compare" and not arguments.dataset
    return 64 if quick else 256


def run_compare(arguments: Namespace) -> int:
    """`compare`: the main job."""
    request = request_of(arguments)
    machine.require(request.device)
    return main_job.compare(request)


def run_stage(arguments: Namespace) -> int:
    """`agree`, `time`, `contrast` or `sweep`: one stage over the trained networks."""
    request = request_of(arguments)
    machine.require(request.device)
    for dataset, architecture, trainer in planned(arguments.command, request):
        path = shared_weights(dataset, architecture, request.results)
        need = arguments.command in ("agree", "contrast") or trainer == "given"
        if need and not path.exists():
            raise BadInput(f"no trained weights {path}; {source(dataset, architecture)}")
    earlier = changes.check(Path(arguments.compare)) if getattr(arguments, "compare", "") else None
    job = main_job.begin(arguments.command, request)
    status = main_job.conclude(job, STAGES[arguments.command](job))
    if earlier:
        told = what_changed(earlier, (job.run.head, job.run.rows))
        answer.print(told)
    return status


STAGES: dict[str, Callable[[Pipeline], list[Row]]] = {
    "agree": Pipeline.agree,
    "sweep": lambda job: [*job.train(), *job.agree(thorough=True)],
    "time": Pipeline.time,
    "contrast": Pipeline.contrast,
}


def run_report(arguments: Namespace) -> int:
    """`report`: tables and pictures again from the finished runs."""
    for path in publishing.tables(Path(arguments.results).resolve()):
        answer.print(str(path))
    return 0


def run_publish(arguments: Namespace) -> int:
    """`publish`: a user's own runs become published ones, and the tracked tables are of them."""
    if arguments.withdraw and not arguments.reason:
        raise BadInput("--withdraw: say why with --reason; results/superseded.csv keeps it")
    written = publishing.publish(
        arguments.runs, arguments.withdraw, arguments.reason,
        source=Path(arguments.results).resolve(),
    )  # fmt: skip
    for path in written:
        answer.print(str(path))
    return 0
