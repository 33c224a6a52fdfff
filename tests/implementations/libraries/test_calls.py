"""What a file says of how an offer is called gives, on a plain network, what the offer gives."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace

import pytest

from bench.stages.conform import explaining
from bench.stages.conform.design import Run
from bench.stages.conform.reproducer import Deviation, text
from implementations import libraries
from implementations.frameworks import hosts
from implementations.libraries._calls import CALLS
from implementations.methods import parted

PROBE = "gap"
OF_TORCH = [
    (library, offer)
    for library, calls in CALLS.items()
    for offer in calls
    if libraries.describe(library).framework == "pytorch"
]


def status(content: str) -> int:
    """The exit status of a file, run in this process."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            exec(compile(content, "file", "exec"), {"__name__": "file"})
        except SystemExit as ended:
            return int(ended.code or 0)
    return 0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("library", "offer"), OF_TORCH)
def test_a_call_in_a_file_is_the_offer(library: str, offer: str) -> None:
    about = libraries.describe(library)
    if about.missing:
        pytest.skip(about.missing)
    run = Run(probe=PROBE)
    probe = run.given()
    host = hosts.make("pytorch", run.host, probe.architecture, probe.weights)
    bare, options = parted(offer)
    explain = explaining.of_method(about.method(bare), "pytorch", options)
    found = explaining.answer(explain, host, probe, probe.layer, False)
    assert found.maps is not None and found.maps.any(), found.said
    asked = Deviation("pytorch", library, "1", offer, run, probe, probe.layer, found.maps)
    assert status(text(asked)) == 0
    assert status(text(replace(asked, expected=found.maps + 1))) == 1
