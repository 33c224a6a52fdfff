"""Names on the command line become what they name. Each raises BadInput with the nearest names."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import datasets
from implementations import frameworks, libraries, methods
from implementations.architecture import registered
from implementations.errors import BadInput, unknown
from implementations.frameworks import Column


def pick_columns(names: Iterable[str] | None) -> tuple[Column, ...]:
    """Columns by label or framework; `keras` means each of its backends."""
    if not names:
        return frameworks.columns()
    chosen: list[Column] = []
    for name in names:
        backends = [c for c in frameworks.known() if c.framework == name]
        chosen += backends or [_column(name)]
    return tuple(dict.fromkeys(chosen))


def pick_column(name: str) -> Column:
    """One column, by label. Raises BadInput for a framework of several."""
    found = pick_columns([name])
    if len(found) > 1:
        raise BadInput(f"{name} has several columns: name one of {_labels(found)}")
    return found[0]


def _labels(columns: Iterable[Column]) -> str:
    return ", ".join(column.label for column in columns)


def _column(name: str) -> Column:
    framework, bracket, rest = name.partition("[")
    backend = rest.removesuffix("]")
    if bracket and (not backend or rest != f"{backend}]"):
        known = [column.label for column in frameworks.known()]
        raise BadInput(unknown("column", name, known))
    return frameworks.column(framework, backend)


def column(framework: str, backend: str) -> Column:
    """The column of a framework, or the reference. Raises BadInput."""
    return frameworks.column(framework, backend)


def spelled(method: str) -> str:
    """A method's one name, its options in order, whoever offers it. Raises BadInput."""
    return methods.called(*methods.parted(_of_family(method)))


def pick_method(name: str) -> str:
    """One method, by name."""
    return methods.load(_of_family(name)).name


def _of_family(name: str) -> str:
    """The method's name where its family stands before it, as in `cam/cam`: CAM, not all CAMs."""
    family, slash, method = name.partition("/")
    ours = slash and methods.parted(method)[0] in methods.groups().get(family, ())
    return method if ours else name


def pick_methods(names: Iterable[str] | None) -> tuple[str, ...]:
    """Methods by name, family, `core` or `all`; all of them that import where none is named.

    A name is that of a family first: the method of the same name is `cam/cam`.
    """
    groups = methods.groups()
    chosen = [groups.get(name) or [pick_method(name)] for name in names or ("all",)]
    return tuple(dict.fromkeys(chain.from_iterable(chosen)))


def family(name: str) -> list[str]:
    """The methods that a name stands for: of a family, `core` or `all`; none otherwise."""
    return methods.groups().get(name, [])


def pick_libraries(names: Iterable[str]) -> tuple[str, ...]:
    """Libraries by name."""
    return tuple(libraries.describe(name).name for name in names)


def broken() -> tuple[str, ...]:
    """Why each method that no name stands for is none: its file does not import."""
    return tuple(methods.broken().values())


def pick_datasets(names: Iterable[str]) -> tuple[str, ...]:
    """Data sets by name."""
    known = datasets.names()
    for name in names:
        if name not in known:
            raise BadInput(unknown("dataset", name, known))
    return tuple(names)


def pick_dataset(name: str) -> str:
    """A data set by name."""
    return pick_datasets([name])[0]


def pick_architectures(names: Iterable[str]) -> tuple[str, ...]:
    """Architectures by name or file, as what they are known by from then on."""
    return tuple(map(registered.take, names))


def folder_file(folder: str) -> str:
    """The architecture's file in a network's folder. Raises BadInput where a file is missing."""
    for name in (registered.IN_FOLDER, registered.WEIGHTS_IN_FOLDER):
        if not (Path(folder) / name).is_file():
            mend = "`python -m bench import` makes such a folder"
            raise BadInput(f"--network {folder}: no {name} in it; {mend}")
    return str(Path(folder) / registered.IN_FOLDER)


def pick_networks(folders: Iterable[str]) -> tuple[str, ...]:
    """Networks by their folders, as what their architectures are known by from then on."""
    return pick_architectures(map(folder_file, folders))
