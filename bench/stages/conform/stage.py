"""What every library computes, on probes of which every number is known.

An offer that is like one of our methods is put through the runs of `design.py`, as shipped and at
the settings that make it ours; so are our own builders, in every column, as the standing proof that
they pass. A verdict that no convention explains has a reproducer, which is run by itself before
anything is called a deviation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.engine.worker import Row
from bench.record.cell import Cell
from bench.stages import Job
from bench.stages.conform import examined, explaining, given, reproduced, users
from bench.stages.conform.design import own_runs, runs
from bench.subject.request import Request
from implementations import libraries, methods
from implementations.conventions import Convention
from implementations.errors import Unavailable
from implementations.frameworks import hosts
from implementations.libraries._calls import call
from implementations.methods import NamedMethod

EXAMPLES = (
    "conform", "conform --libraries captum pytorch_grad_cam --methods grad_cam",
    "conform --explainer my_module:my_grad_cam --like grad_cam --frameworks pytorch",
)  # fmt: skip
REPRODUCERS = "reproducers"
"""The folder in the results, of files that show a deviation."""
RANDOM = "seed"
"""The option of an offer that draws by itself: no oracle can follow it, but where it is `still`."""


def cells(request: Request) -> Iterator[Cell]:
    """The offers like a method that is asked for, as shipped and made ours; then our own.

    Of the probes, or of each network of a user's that is named.
    """
    for network in request.architectures or ("",):
        yield from _cells(request, network)


def _cells(request: Request, network: str) -> Iterator[Cell]:
    columns = {column[:2] for column in request.columns}
    liked: dict[str, None] = {}
    for name in request.libraries or libraries.names():
        library = libraries.describe(name)
        if (library.framework, library.backend) not in columns:
            continue
        if not hosts.about(library.framework):
            continue
        same = _cell(request, library.framework, library.backend, network, library=name)
        for offer, offered in library.offers.items():
            if offered.like in request.methods:
                if methods.load(offered.like).card.draws is None:
                    liked[offered.like] = None
                yield replace(same, method=offer)
                for settings in filter(None, (offered.canonical, offered.still)):
                    yield replace(same, method=offer, options=tuple(sorted(settings.items())))
    for column in request.columns:
        for method in liked:
            if not request.libraries:
                yield replace(_cell(request, *column[:2], network), method=method)


def _cell(
    request: Request, framework: str, backend: str, network: str = "", library: str = ""
) -> Cell:
    return replace(given.cell(request, framework, backend, network), library=library)


def measure(cell: Cell, context: Mapping[str, Any]) -> Iterator[Row]:
    """A row a run of one explainer."""
    method: NamedMethod
    stated: Convention | str = ""
    network = given.taken(cell, context)
    like, version, asked, random = cell.method, "", own_runs(network), False
    if cell.library:
        library = libraries.load(cell.library)
        offered, method = library.offers[cell.method], library.method(cell.method)
        like, version, asked = offered.like, library.version(), runs(cell.framework, network)
        stated = "" if cell.options else offered.convention
        still = bool(offered.still) and dict(cell.options) == dict(offered.still or {})
        random = RANDOM in offered.options and not still
        like = offered.still_like if still else like
    else:
        method = methods.load(cell.method)
    options = dict(cell.options)
    explain = explaining.of_method(method, cell.framework, options)
    subject = examined.Subject(
        explain, cell.framework, like, cell.precision, score=method.resolve(options)["score"],
        random=random,
    )  # fmt: skip
    if isinstance(stated, Convention):
        subject.claim = stated
    else:
        subject.other = stated
    through = list(asked)
    for run, row in zip(through, examined.rows(subject, through), strict=True):
        told = row["verdict"] in reproduced.TOLD and not run.known
        offer, file = methods.called(cell.method, options), ""
        if told and call(cell.library, offer):
            folder = Path(context[REPRODUCERS])
            file = reproduced.reproduced(subject, run, cell.library, version, offer, folder)
        yield {**row, "version": version, "reproducer": file}


def run(job: Job) -> list[Row]:
    """Put every explainer that is asked for through its runs; or a user's own."""
    if job.request.explainer:
        return users.run(job)
    context = {**job.context, **given.context(job.request)}
    asked = list(cells(job.request))
    if not asked:
        raise Unavailable("no library offers that; see `python -m bench list`")
    folder = job.request.results / REPRODUCERS
    context |= {REPRODUCERS: str(folder.resolve())}
    return job.execute("conform", asked, __name__, context=context)
