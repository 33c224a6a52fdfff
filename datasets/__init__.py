"""The data sets, found by looking: one file is one data set.

A file of this folder is a data set when it has a `NAME`, equal to the file's own name, and
`load(data_dir=None, allow_unverified=False) -> Dataset`. There is no list to keep.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from datasets.contract import Dataset
from implementations.errors import BadInput

__all__ = ["Dataset", "load", "names"]


def names() -> list[str]:
    """The data sets at hand, sorted. Imports NumPy and the files of this folder, nothing else."""
    stems = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))
    modules = {stem: import_module(f"datasets.{stem}") for stem in stems}
    return [stem for stem, module in modules.items() if getattr(module, "NAME", None) == stem]


def load(name: str, data_dir: Path | str | None = None, allow_unverified: bool = False) -> Dataset:
    """Load a data set by name.

    `data_dir` (or the environment variable CAMPARISON_DATA) names a folder of files downloaded
    before; without it they are downloaded once, into the user's cache. Files whose digest is not
    the published one are refused unless `allow_unverified`, and then `verified` is False.

    Raises BadInput for an unknown name or unsound files, Unavailable where nothing can be
    downloaded.
    """
    known = names()
    if name not in known:
        near = get_close_matches(name, known, n=3, cutoff=0.4) or known
        raise BadInput(f"no data set is called {name!r}; did you mean {' or '.join(near)}?")
    dataset: Dataset = import_module(f"datasets.{name}").load(data_dir, allow_unverified)
    return dataset
