"""What a call does beside answering: counted while it runs once more, before the clock.

So a method cannot state fewer evaluations than it makes, a library's wrapper cannot answer with a
map of ours, and nothing that is called eager is compiled inside.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.record.cell import Cell
from bench.stages.time import compilers
from bench.stages.time.timed import Timed
from implementations import libraries, methods
from implementations.traits import Traits

ENTRIES = ("forward", "__call__", "features", "tapped")
"""The functions of a network that images go into; what goes into `head` has been in `features`."""
REPEATED = 0.05
"""Of the evaluations stated, those that passes of one size may make again at the most."""
OURS = [path for path in Path(methods.__file__).parent.iterdir() if path.is_dir()]
"""The folders of our methods' pages."""


@contextmanager
def evaluations(network: Any) -> Iterator[list[int]]:
    """Counts the images that go into a network, in Python: what is compiled is not seen.

    Images that a framework's own loops and mappings add (`vmap`, `scan`) are not seen either, so
    there may be more of them than are counted, never fewer.
    """
    counts: list[int] = []
    inside: list[bool] = []
    kind = type(network)
    found = [name for name in ENTRIES if name in vars(kind)]
    if "forward" in found and "__call__" in found:
        found.remove("__call__")  # which calls it

    def counting(function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **more: Any) -> Any:
            if inside:
                return function(*arguments, **more)
            inside.append(True)
            try:
                answer = function(*arguments, **more)
            finally:
                inside.pop()
            counts.append(len(answer[0] if isinstance(answer, tuple) else answer))
            return answer

        return counted

    with ExitStack() as undone:
        for name in found:
            function = vars(kind)[name]
            setattr(kind, name, counting(function))
            undone.callback(setattr, kind, name, function)
        yield counts


def looked_into(cell: Cell, timed: Timed, traits: Traits, compiled: int) -> tuple[int | None, str]:
    """Evaluations an image of one more call, counted, and why no time of it may be published.

    None where they cannot be counted; empty where nothing is wrong. Only what is called eager can
    be looked into; `compiled` is how many functions its first calls have compiled.
    """
    if cell.mode != "eager" or cell.task not in compilers.PREPARED:
        return None, ""
    given = timed.inputs[0]
    why = ""
    with ExitStack() as watching:
        counts = watching.enter_context(evaluations(timed.network)) if timed.network else []
        if cell.library:
            package = libraries.package(cell.library)
            if traits.uncompiled:
                watching.enter_context(traits.uncompiled())
            why = not_theirs(lambda: timed.barriered(given), package)
        else:
            timed.barriered(given)
    found = round(sum(counts) / cell.batch) if cell.batch else 0
    stated = timed.cost.get("evaluations")
    if stated and found > stated + repeated(stated, len(counts)):
        why = f"it states {stated} evaluations an image and makes {found}"
    if not cell.library:
        inside = f"{compiled} functions" if compiled else ""
        if traits.compiled_inside:
            inside = traits.compiled_inside(timed.call, (given,))
        if inside:
            why = f"compiled inside, though the cell is called eager: {inside}"
    return found or None, why


def repeated(stated: int, passes: int) -> int:
    """How many evaluations an image may be made again: of passes of one size the last begins early.

    Things divided evenly among passes leave fewer than one each over, and a single pass nothing.
    """
    return min(passes - 1, int(REPEATED * stated))


def visited(call: Callable[[], Any], folders: Mapping[str, Sequence[Path]]) -> set[str]:
    """Which of these have folders whose code runs, in this thread, while something is called."""
    found: set[str] = set()
    places = {name: tuple(map(str, paths)) for name, paths in folders.items()}

    def profile(frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            file = frame.f_code.co_filename
            found.update(name for name, place in places.items() if file.startswith(place))

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(before)
    return found


def not_theirs(call: Callable[[], Any], package: str) -> str:
    """Why the answer of a library's wrapper is not the library's; empty where it may be."""
    spec = find_spec(package)
    place = Path(str(spec.origin)).parent if spec and spec.origin else Path(package)
    if spec and spec.origin and not spec.submodule_search_locations:
        place = Path(spec.origin)
    ran = visited(call, {"theirs": [place], "ours": OURS})
    if "ours" in ran:
        return f"a method of ours ran inside: the answer is not {package}'s"
    return "" if "theirs" in ran else f"no code of {package} ran: the answer is not its own"
