"""The data sets, found by looking: one file is one data set.

A file of this folder is a data set when it has a `NAME`, equal to the file's own name, and
`load(data_dir=None, allow_unverified=False) -> Dataset`. There is no list to keep.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

from datasets.contract import Dataset
from implementations.errors import BadInput
from implementations.files import importing

__all__ = ["Dataset", "load", "names"]


def names() -> list[str]:
    """The data sets at hand, sorted, from the text of the files: one may not import."""
    paths = sorted(Path(__file__).parent.glob("[!_]*.py"))
    return [path.stem for path in paths if _named(path) == path.stem]


def _named(path: Path) -> str:
    found = re.search(r'^NAME = "(.*)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""


def load(name: str, data_dir: Path | str | None = None, allow_unverified: bool = False) -> Dataset:
    """Load a data set by name.

    `data_dir` (or the environment variable CAMPARISON_DATA) names a folder of files downloaded
    before; without it they are downloaded once, into the user's cache. Files whose digest is not
    the published one are refused unless `allow_unverified`, and then `verified` is False.

    Raises BadInput for an unknown name or unsound files, Unavailable where nothing can be
    downloaded, or the data set's own file does not import.
    """
    known = names()
    if name not in known:
        near = get_close_matches(name, known, n=3, cutoff=0.4) or known
        raise BadInput(f"no data set is called {name!r}; did you mean {' or '.join(near)}?")
    module = importing(f"datasets.{name}", f"the data set {name}")
    dataset: Dataset = module.load(data_dir, allow_unverified)
    return dataset
