"""One folder a framework: its `runtime` has the functions of `contract.Framework`.

Which there are, and on which backends, says `implementations.columns`: no framework is loaded
before it is asked for.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import cast

from implementations.columns import REFERENCE as REFERENCE
from implementations.columns import Column as Column
from implementations.columns import column as column
from implementations.columns import columns as columns
from implementations.columns import forward_only as forward_only
from implementations.columns import known as known
from implementations.columns import packages as packages
from implementations.contract import Framework, MakeTrainer
from implementations.errors import Unavailable


def load(name: str) -> Framework:
    """A framework's module. Raises Unavailable when its packages are not here."""
    oracle = "implementations.oracle.runtime"
    return cast(Framework, _module(name, oracle if name == REFERENCE else f"{name}.runtime"))


def trainers(name: str) -> MakeTrainer:
    """What makes a framework's trainers. Raises Unavailable where it trains none, or is absent."""
    if forward_only(name):
        raise Unavailable(f"{name} trains no network: it differentiates nothing")
    return cast(MakeTrainer, _module(name, f"{name}.training").trainer)


def _module(name: str, path: str) -> ModuleType:
    try:
        return importlib.import_module(path if name == REFERENCE else f"{__name__}.{path}")
    except ModuleNotFoundError as error:
        raise Unavailable(f"{name} needs {error.name}, which is not installed") from error
