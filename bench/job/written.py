"""What the suite wrote into a results folder, so that it never replaces or deletes anything else.

`written.json` lists every generated file below the folder with the digests it may have. A file that
is not on the list, or that somebody has changed since, is left as it is, and that is said; nothing
is written through a link.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bench.engine import scratch
from bench.record.runs import digest
from implementations.architecture.weights import write_bytes
from implementations.errors import BadInput
from implementations.files import MOST_JSON, read_plain

LIST = "written.json"
STAGED = "drawn"


@contextmanager
def staging(results: Path) -> Iterator[Path]:
    """A folder to write into first, on the disk of the results; it goes afterwards.

    Raises BadInput where the results cannot be written, or their list not be read.
    """
    read(results)  # before anything is drawn
    work = results / "work"
    with ExitStack() as stack:
        try:
            work.mkdir(parents=True, exist_ok=True)
            folder = stack.enter_context(scratch.beside(work / STAGED))
        except OSError as error:
            raise BadInput(f"cannot write {work}: {error.strerror}; name another place") from error
        yield folder


def place(
    staged: Mapping[str, Path],
    results: Path,
    say: Callable[[str], None],
    gone: Callable[[str], bool] = lambda _: False,
) -> list[Path]:
    """Move staged files to their relative names below the results; the files that are there now.

    Those of the list that were not made again are removed where `gone` says so of their name. What
    is left as it is, is said. Raises BadInput where the folder cannot be written.
    """
    known = read(results)
    mine, removable = {}, []
    for name, source in staged.items():
        if reason := _foreign(results, name, known.get(name, []), digest(source)):
            say(f"{results / name} {reason}; left as it is")
        else:
            mine[name] = source
    for name in sorted(known.keys() - staged.keys()):
        if gone(name) and not _foreign(results, name, known[name]):
            removable.append(name)
    # Both digests at first: a kill among the moves must not make our own file a stranger.
    _write(results, known | {n: [*known.get(n, []), digest(s)] for n, s in mine.items()})
    after = {name: digests for name, digests in known.items() if name not in removable}
    for name, source in mine.items():
        after[name] = [digest(source)]
        target = results / name
        target.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(target, source.read_bytes())
    for name in removable:
        (results / name).unlink(missing_ok=True)
    _write(results, after)
    return [results / name for name in mine]


def claim(results: Path, names: Iterable[str]) -> None:
    """Put files that are there already on the list: they are generated."""
    _write(results, read(results) | {name: [digest(results / name)] for name in names})


def read(results: Path) -> dict[str, list[str]]:
    """The list: relative name -> digests. Raises BadInput where it is none."""
    path = results / LIST
    if not path.exists():
        return {}
    try:
        found = json.loads(read_plain(path, MOST_JSON))
        return {str(name): [str(one) for one in digests] for name, digests in found.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BadInput(f"{path} is not the list of what was written; move it away") from error


def _foreign(results: Path, name: str, digests: list[str], new: str = "") -> str:
    """Why a file is not the suite's to replace; empty where it is, or nothing is there."""
    path = results / name
    inside = path.absolute().relative_to(results.absolute()).parts
    if ".." in inside or any(
        (results / Path(*inside[: n + 1])).is_symlink() for n in range(len(inside))
    ):
        return "is reached through a link"
    if not path.exists():
        return ""
    if not path.is_file():
        return "is not a file"
    if digest(path) in (*digests, new):
        return ""
    return "was changed since it was written" if digests else "was not written by this suite"


def _write(results: Path, listed: Mapping[str, list[str]]) -> None:
    path = results / LIST
    if path.is_symlink():
        raise BadInput(f"{path} is a link; move it away")
    if not listed:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return
    lines = json.dumps({n: list(dict.fromkeys(listed[n])) for n in sorted(listed)}, indent=1)
    write_bytes(path, (lines + "\n").encode())
