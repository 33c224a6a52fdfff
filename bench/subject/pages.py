"""What the pages of the Rosetta stone hold, as data: the text and the code of methods and nodes."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import datasets
from implementations import frameworks, libraries, methods
from implementations.architecture import registered
from implementations.architecture.graph import Architecture
from implementations.architecture.kinds import KINDS
from implementations.architecture.settings import REQUIRED
from implementations.errors import BadInput, Unavailable
from implementations.files import importing
from implementations.methods.card import Choice, Flag, Number, Option

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = "reference"
EXAMPLES = ("cnn-48-32-16", "cnn-gap")
"""The networks of which a method's cost is told: the first that it can explain."""


@dataclass(frozen=True)
class Setting:
    """An option of a method, or a setting of a node: its default, what it may be, what it means."""

    name: str
    default: str
    values: str
    meaning: str = ""


@dataclass(frozen=True)
class Offered:
    """What a library offers like a method, and how its numbers differ from ours."""

    library: str
    package: str
    name: str
    framework: str
    at: str
    why: str
    settings: tuple[Setting, ...]
    canonical: str | None
    """The options that make it compute our very map; empty: none are needed; None: none do."""


@dataclass(frozen=True)
class Proof:
    """A test: what it says, in words, and its code."""

    says: str
    code: str


@dataclass(frozen=True)
class CodePage:
    """A file of the Rosetta stone: `builders` are sources of functions, `beside` is the others'."""

    name: str
    group: str
    title: str
    path: str
    about: str
    builders: Mapping[str, str]
    beside: str
    settings: tuple[Setting, ...]
    facts: Mapping[str, str]
    offers: tuple[Offered, ...] = ()
    proofs: tuple[Proof, ...] = ()


def builders() -> tuple[str, ...]:
    """The names of a page's builders: the reference, then the frameworks."""
    return REFERENCE, *dict.fromkeys(column.framework for column in frameworks.columns())


@cache
def of_methods() -> tuple[CodePage, ...]:
    """The page of every method whose file imports, by name."""
    sound = [name for name in methods.names() if name not in methods.broken()]
    return tuple(_method(name) for name in sound)


@cache
def of_nodes() -> tuple[CodePage, ...]:
    """The page of every kind of node, by name."""
    return tuple(_node(name) for name in sorted(KINDS))


def class_names(dataset: str) -> tuple[str, ...]:
    """A data set's names of its classes, where its file says them; none of one that is not ours."""
    if dataset not in datasets.names():
        return ()
    with suppress(Unavailable):
        module = importing(f"datasets.{dataset}", f"the data set {dataset}")
        return tuple(str(name) for name in getattr(module, "CLASS_NAMES", ()))
    return ()


def _method(name: str) -> CodePage:
    method = methods.load(name)
    card = method.card
    wanted = builders()
    functions, beside = _functions(method.module, wanted)
    reads = {"none": "", "layer": ", and reads a layer", "layers": ", and reads layers"}[card.reads]
    facts = {
        "paper": card.paper,
        "its map lives": f"at the {card.at}{reads}",
        "compared with the oracle": ", ".join(card.intermediates),
        "score": f"{card.score}; defined for {', '.join(card.scores)}",
        "tolerance": f"{card.tolerance:g} of the signed map's peak in float32, "
        f"{card.exact:g} in float64",
        "images through the network": _cost(method),
    }
    group = method.module.__name__.split(".")[-2]
    return CodePage(
        name, group, card.title, _path(method.module), inspect.getdoc(method.module) or "",
        functions, beside, tuple(_option(*each) for each in method.options.items()), facts,
        tuple(_offers(name)), tuple(_proofs(f"methods/{group}/test_{name}.py")),
    )  # fmt: skip


def _node(name: str) -> CodePage:
    kind = KINDS[name]
    frameworks = builders()[1:]
    functions, beside = _functions(kind.module, ("forward", "backward", *frameworks))
    settings = tuple(
        Setting(n, "" if s.default is REQUIRED else _text(s.default), s.must)
        for n, s in kind.settings.items()
    )
    facts = {"role": kind.role, "its gradient bends at": ", ".join(map(str, kind.corners))}
    return CodePage(
        name, "nodes", name, _path(kind.module), kind.about, functions, beside, settings,
        {n: text for n, text in facts.items() if text},
        proofs=tuple(_proofs(f"architecture/kinds/test_{name}.py")),
    )  # fmt: skip


def _functions(module: ModuleType, wanted: tuple[str, ...]) -> tuple[dict[str, str], str]:
    """The sources of the functions wanted, in the file's order, and of the others together."""
    text = inspect.getsource(module)
    found, beside = {}, []
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            source = _lines(text, node)
            if node.name in wanted:
                found[node.name] = source
            else:
                beside.append(source)
    return found, "\n\n\n".join(beside)


def _lines(text: str, node: ast.FunctionDef) -> str:
    """A function's lines, its decorators among them."""
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    return "\n".join(text.splitlines()[first - 1 : node.end_lineno])


def _path(module: ModuleType) -> str:
    return Path(str(module.__file__)).relative_to(ROOT).as_posix()


def _option(name: str, option: Option) -> Setting:
    if isinstance(option, Choice):
        return Setting(name, option.default, ", ".join(option.values), option.meaning)
    if isinstance(option, Flag):
        return Setting(name, _text(option.default), "true, false", option.meaning)
    assert isinstance(option, Number)
    bounds = f"{option.minimum:g} to {option.maximum:g}"
    return Setting(name, f"{option.default:g}", bounds, option.meaning)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cost(method: methods.NamedMethod) -> str:
    for name in EXAMPLES:
        architecture: Architecture = registered.get(name)
        with suppress(BadInput, Unavailable):
            layer = method.layer(architecture, None)
            cost = method.cost(method.resolve({}), architecture, layer)
            parts = [(cost.forward, "forward"), (cost.head, "past the layer only")]
            parts.append((cost.backward, "backward"))
            told = ", ".join(f"{n:g} {what}" for n, what in parts if n)
            return f"{told} for each image explained ({name})"
    return ""


def _offers(method: str) -> Iterator[Offered]:
    for name in libraries.names():
        library = libraries.describe(name)
        column = f"{library.framework}[{library.backend}]" if library.backend else library.framework
        for offer, told in library.offers.items():
            if told.like == method:
                given = told.canonical
                yield Offered(
                    library.title, library.module.PACKAGE, offer, column, told.at, told.difference,
                    tuple(_option(*each) for each in told.options.items()),
                    None if given is None else ", ".join(f"{k}={v}" for k, v in given.items()),
                )  # fmt: skip


def _proofs(name: str) -> Iterator[Proof]:
    """The tests of a page, where the checkout has them."""
    path = ROOT / "tests" / "implementations" / name
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            says = node.name.removeprefix("test_").replace("_", " ")
            yield Proof(says, _lines(text, node))
