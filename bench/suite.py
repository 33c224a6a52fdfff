"""The commands that run whole stages: agree, time, contrast, compare, sweep and report."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench import changes, compare, machine, stages
from bench.conduct import Conductor
from bench.inputs import shared_weights
from bench.plans import planned, source
from bench.progress import answer
from bench.report.changes import compare as what_changed
from bench.stages import PARTS, Ask
from bench.store import Row
from implementations import architectures
from implementations.contract import BadInput

OWN = (
    "precisions", "batch", "rounds", "isolate", "epochs", "seeds", "stages", "grid", "modes", "cold"
)  # fmt: skip
"""Options that only some commands take; elsewhere an `Ask` has its own default."""


def ask_of(arguments: Namespace) -> Ask:
    """What the arguments ask for, checked. Raises BadInput."""
    for name in arguments.architectures or ():
        architectures.get(name)
    return Ask(
        datasets=stages.pick_datasets(arguments.dataset or ()),
        architectures=tuple(arguments.architectures or ()),
        columns=stages.pick_columns(arguments.frameworks),
        methods=stages.pick_methods(arguments.methods),
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
    ask = ask_of(arguments)
    machine.require(ask.device)
    return compare.compare(ask)


def run_stage(arguments: Namespace) -> int:
    """`agree`, `time`, `contrast` or `sweep`: one stage over the trained networks."""
    ask = ask_of(arguments)
    machine.require(ask.device)
    for dataset, architecture, trainer in planned(arguments.command, ask):
        path = shared_weights(dataset, architecture, ask.results)
        need = arguments.command in ("agree", "contrast") or trainer == "given"
        if need and not path.exists():
            raise BadInput(f"no trained weights {path}; {source(dataset, architecture)}")
    earlier = changes.check(Path(arguments.compare)) if getattr(arguments, "compare", "") else None
    leader = compare.conductor(arguments.command, ask)
    status = compare.conclude(leader, STAGES[arguments.command](leader))
    if earlier:
        told = what_changed(earlier, (leader.run.head, leader.run.rows))
        answer.print(told)
    return status


STAGES: dict[str, Callable[[Conductor], list[Row]]] = {
    "agree": Conductor.agree,
    "sweep": lambda leader: [*leader.train(), *leader.agree(thorough=True)],
    "time": Conductor.time,
    "contrast": Conductor.contrast,
}


def run_report(arguments: Namespace) -> int:
    """`report`: tables and pictures again from the finished runs."""
    written = compare.publish(Path(arguments.results).resolve())
    for path in written:
        answer.print(str(path))
    return 0
