"""A file that shows by itself that an explainer's map is not what it should be, and its run.

It has literals alone: a network, images, the call, the map expected. It prints expected and found,
and ends with status 1 where they differ. Nothing is called a deviation before it has run in a
process of its own and said so.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.stages.conform.design import Run
from bench.truth.claims import TOLERANCES
from bench.truth.probes import Probe
from implementations.arrays import Floats
from implementations.errors import Unavailable
from implementations.frameworks import hosts
from implementations.libraries._calls import call

MOST_LINES = 30
TIMEOUT_S = 180.0
DIFFERS = 1
"""The exit status of a file that shows a difference."""
WORDS = 3
"""Of an error's message, by which it is known: the next may be a size or a name of the probe."""
SHOWN = "found"
"""What such a file prints besides."""


@dataclass(frozen=True)
class Deviation:
    """What is to be shown: an offer, on a run of a probe, and the maps that it should give.

    The offer has its settings in its name, as a method has, where it is not as shipped.
    `expected` is None where a map is expected and an error comes.
    """

    framework: str
    library: str
    version: str
    offer: str
    run: Run
    probe: Probe
    node: str
    expected: Floats | None
    tolerance: float = TOLERANCES["float32"]
    """Of the largest value, from which the file says that it differs."""
    raised: str = ""
    """The error that comes, as `Type: message`."""

    @property
    def digits(self) -> int:
        """With how many digits values are written."""
        return 9 if self.tolerance >= TOLERANCES["float32"] else 17


def text(deviation: Deviation) -> str:
    """The file. Raises Unavailable where the offer or the network has no such form."""
    called = call(deviation.library, deviation.offer)
    if called is None:
        raise Unavailable(f"how {deviation.library}.{deviation.offer} is called is not written")
    probe, run = deviation.probe, deviation.run
    made = hosts.source(
        deviation.framework, run.host, probe.architecture, probe.weights, probe.images,
        deviation.node,
    )  # fmt: skip
    imports, _, after = called.imports.partition("\n\n")
    title = f"{deviation.library} {deviation.version} {deviation.offer}: {run.condition}"
    lines = [
        f'"""{title}. Exit status 1: it differs."""',
        *made.imports.splitlines(), *imports.splitlines(), "",
        *filter(None, made.lines), f"targets = {probe.targets.tolist()}",
        *after.splitlines(), *filter(None, [made.before]), f"found = {called.found}", made.convert,
    ]  # fmt: skip
    if deviation.expected is None:
        lines += ['print("expected a map of each image, found", found.shape)']
    else:
        lines += [
            f"expected = {hosts.literal(deviation.expected, deviation.digits)}",
            "apart = abs(found.ravel() - expected).max()",
            'print("expected", expected, "\\nfound", found.ravel().tolist())',
            'print("largest difference", apart)',
            f"raise SystemExit(bool(not apart <= {deviation.tolerance:g} * "
            "max(map(abs, expected))))",
        ]  # fmt: skip
    if len(lines) > MOST_LINES:
        raise Unavailable(f"it takes {len(lines)} lines")
    return "\n".join(lines) + "\n"


def shown(deviation: Deviation, folder: Path, condition: str) -> str:
    """The name of the file, written and run, that shows a deviation under a condition; or none.

    Raises Unavailable where there is no such file.
    """
    content = text(deviation)
    words = [deviation.library, deviation.version, deviation.offer, condition]
    name = "-".join("".join(c if c.isalnum() or c == "." else "_" for c in w) for w in words)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(content, encoding="utf-8")
    try:
        done = subprocess.run(
            [sys.executable, str(path.resolve())],
            cwd=folder, capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        path.unlink()
        return ""
    raised = _alike(deviation.raised, done.stderr)
    told = raised if deviation.expected is None else f"\n{SHOWN}" in done.stdout
    if done.returncode == DIFFERS and told:
        return path.name
    path.unlink()
    return ""


def _alike(raised: str, heard: str) -> bool:
    """Whether what a process says ends in this error: its type, and how its message begins."""
    kind, _, message = raised.partition(": ")
    errors = [line.partition(": ") for line in heard.splitlines() if line[:1].strip()]
    return any(_known_by(each, said) == _known_by(kind, message) for each, _, said in errors)


def _known_by(kind: str, message: str) -> list[str]:
    """Type and first words, without numbers: `sequential_5` is another process's `sequential`."""
    words = (re.sub(r"_?[0-9]+", "", word) for word in message.split()[:WORDS])
    return [kind.rpartition(".")[2], *words]
