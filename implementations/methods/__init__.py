"""One file a method, found by its name: nothing is registered anywhere.

A method's module has a card, `METHOD`, the builder `reference` (float64 NumPy, no autodiff) and one
builder a framework, named like it. A framework without a builder is a grey cell. CONTRIBUTING.md
walks through writing one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from implementations.errors import BadInput, Unavailable, unknown
from implementations.files import importing
from implementations.methods.named import NamedMethod as NamedMethod

EXAMPLE = "grad_cam[reduction=mean]"


def names() -> list[str]:
    """The methods there are, by file name; nothing is imported."""
    return list(_paths())


def _paths() -> dict[str, str]:
    """Method -> its family, the folder it lies in; by name."""
    found = {p.stem: p.parent.name for p in Path(__file__).parent.glob("*/[a-z]*.py")}
    return dict(sorted(found.items()))


def groups() -> dict[str, list[str]]:
    """Names that stand for several methods: `core`, `all` and each family. Broken files have none.

    The core set is of the methods whose cards say so.
    """
    unsound, families = broken(), _paths()
    sound = [name for name in families if name not in unsound]
    of = {family: [name for name in sound if families[name] == family]
          for family in sorted(set(families.values()))}  # fmt: skip
    core = [name for name in sound if load(name).card.core]
    return {**of, "core": core, "all": sound}


def load(name: str) -> NamedMethod:
    """A method by name, which may hold options: `grad_cam[reduction=mean]`.

    Raises BadInput with the nearest names, Unavailable where the method's file is broken.
    """
    families = _paths()
    bare, given = parted(name)
    if bare not in families:
        raise BadInput(unknown("method", bare, sorted(families)))
    module = importing(f"{__name__}.{families[bare]}.{bare}", f"the method {bare}")
    found = NamedMethod(called(bare, given), module, given=given)
    found.resolve({})
    return found


def parted(name: str) -> tuple[str, dict[str, str]]:
    """A method's name without its options, and these. Raises BadInput where it is not so formed."""
    bare, bracket, rest = name.partition("[")
    if not bracket:
        return name, {}
    pairs = [text.partition("=") for text in rest.removesuffix("]").split(",")]
    if not rest.endswith("]") or not all(option and value for option, _, value in pairs):
        raise BadInput(f"method {name!r} must be NAME[OPTION=VALUE,...], as in {EXAMPLE}")
    given = {option: value for option, _, value in pairs}
    if len(given) < len(pairs):
        raise BadInput(f"method {name!r} gives an option twice")
    return bare, given


def called(name: str, given: Mapping[str, str]) -> str:
    """The one name of a method with options, in whatever order they were given."""
    told = ",".join(f"{option}={given[option]}" for option in sorted(given))
    return f"{name}[{told}]" if told else name


def broken() -> dict[str, str]:
    """The methods whose files do not import, and why not."""
    reasons = {}
    for name in names():
        try:
            load(name)
        except Unavailable as error:
            reasons[name] = str(error)
    return reasons
