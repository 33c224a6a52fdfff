"""One file a third-party library, found by its name: nothing is registered anywhere.

A library's module has `TITLE`, `PACKAGE` (the distribution whose version counts), `IMPORTS` (what
it imports -> the distribution that brings it), `FRAMEWORK` (whose networks it explains; for Keras
`BACKEND` beside it), `OFFERS` and `build(offer, network, layer, options)`, which gives an `explain`
of the form methods have. One with many offers is a folder with a file a family, each with `OFFERS`
and `build`; the rest is in its `__init__.py`. A library is imported in `build` and nowhere else.
One that cannot live beside the others names an `ENVIRONMENT` of its own: its cells run there, in
the same run. One that explains networks of several names these `FRAMEWORKS` too, and its `build`
is given the one asked for as `framework`.

`load("captum").method("saliency")` is a `NamedMethod` like our own: whatever takes one takes it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from implementations import frameworks
from implementations.contract import Builder, Compile, Explain, Options
from implementations.errors import BadInput, Unavailable, unknown
from implementations.libraries._offer import Offer as Offer
from implementations.libraries._told import canonical as canonical
from implementations.methods import NamedMethod, called, parted
from implementations.methods import names as methods
from implementations.methods.card import Cost, Method

ENVIRONMENTS = Path(__file__).parents[2] / ".nox"
"""Where nox installs the environments."""


@dataclass(frozen=True)
class LibraryMethod(NamedMethod):
    """An offer in the form of a method: the same options, layers and builders.

    Its module is the library's, or the file of its folder that has the offer.
    """

    library: Library
    offer: str

    @property
    def card(self) -> Method:
        """A method's card, of what the offer says; what it costs is counted, not stated."""
        return Method(
            title=f"{self.library.title}, {self.offer}",
            paper="",
            at="layer" if self._offered.at == "layer" else "input",
            reads=self._offered.reads,
            scores=self._offered.scores,
            intermediates=("signed", "heatmap"),
            options=self._offered.options,
            cost=lambda options, architecture, layer: Cost(0),
            sums_to=self._offered.sums_to,
        )

    @property
    def why(self) -> str:
        """Why its heatmap may differ from that of the method it is like."""
        return self._offered.difference

    def builder(self, framework: str) -> Builder:
        """The builder. Raises Unavailable for another framework than the library's."""
        known = self.library.frameworks
        if framework not in known:
            raise Unavailable(f"{self.name} explains networks of {', '.join(known)} only")
        given = {"framework": frameworks.load(framework)} if len(known) > 1 else {}

        def build(network: Any, layer: str, options: Options, compile: Compile) -> Explain:
            made = self.module.build(self.offer, network, layer, options, **given)
            explain: Explain = compile(made)
            return explain

        return build

    def source(self, framework: str) -> str:
        """The text of the library's file that has the offer: what a result depends on."""
        return inspect.getsource(self.module)

    @property
    def _offered(self) -> Offer:
        offered: Offer = self.module.OFFERS[self.offer]
        return offered


@dataclass(frozen=True)
class Library:
    """A library's module, read once."""

    name: str
    module: ModuleType

    @property
    def title(self) -> str:
        """What a table's heading says."""
        return str(self.module.TITLE)

    @property
    def framework(self) -> str:
        """Whose networks it explains; of several the one that it is contrasted in."""
        return str(self.module.FRAMEWORK)

    @property
    def frameworks(self) -> Sequence[str]:
        """All whose networks it explains."""
        several: Sequence[str] = getattr(self.module, "FRAMEWORKS", (self.framework,))
        return several

    @property
    def backend(self) -> str:
        """On which of its framework's backends; empty where it has none."""
        return str(getattr(self.module, "BACKEND", ""))

    @property
    def pages(self) -> Sequence[ModuleType]:
        """The modules that have its offers: itself, or the files of its folder."""
        folders: Sequence[str] = getattr(self.module, "__path__", ())
        files = sorted(path.stem for place in folders for path in Path(place).glob("[a-z]*.py"))
        own = [importlib.import_module(f"{self.module.__name__}.{file}") for file in files]
        return own or [self.module]

    @property
    def offers(self) -> Mapping[str, Offer]:
        """What it offers, by its own names."""
        return {name: offer for page in self.pages for name, offer in page.OFFERS.items()}

    def like(self, asked: Collection[str]) -> list[str]:
        """Its offers like one of these methods; those like none too, where all that are are named.

        No method named stands for all.
        """
        every = not asked or set(asked) >= set(methods())
        return [name for name, offer in self.offers.items() if every or offer.like in asked]

    @property
    def environment(self) -> str:
        """The environment that it has to itself; empty where it lives beside the others."""
        return str(getattr(self.module, "ENVIRONMENT", ""))

    @property
    def python(self) -> Path | None:
        """The Python of its own environment; None where it has none, or it is not installed."""
        path = ENVIRONMENTS / self.environment / ("Scripts" if os.name == "nt" else "bin")
        found = [path / name for name in ("python", "python.exe") if (path / name).exists()]
        return found[0] if self.environment and found else None

    @property
    def missing(self) -> str | None:
        """What to install before it can be used in this process, or None."""
        imports: Mapping[str, str] = self.module.IMPORTS
        absent = [pip for name, pip in imports.items() if importlib.util.find_spec(name) is None]
        if not absent:
            return None
        if self.python:
            return f"{self.title} has an environment of its own: run this with {self.python}"
        if self.environment:
            mend = f"nox -s {self.environment} installs it into an environment of its own"
            return f"{self.title} is not installed; {mend}"
        return f"{self.title} is not installed; pip install {' '.join(absent)}"

    def version(self) -> str:
        """The version of its distribution. Raises Unavailable."""
        try:
            return importlib.metadata.version(self.module.PACKAGE)
        except importlib.metadata.PackageNotFoundError:
            raise Unavailable(self.missing or f"{self.module.PACKAGE} has no version") from None

    def note(self) -> str:
        """What is installed beside it where it has an environment of its own; else nothing."""
        if not self.environment:
            return ""
        packages = (self.module.PACKAGE, self.framework, self.backend, "numpy")
        found = [f"{name} {version}" for name in packages if (version := _version(name))]
        return f"in an environment of its own: {', '.join(found)}"

    def method(self, offer: str) -> LibraryMethod:
        """An offer as a method, options in its name or not. Raises BadInput with nearest names."""
        bare, given = parted(offer)
        if bare not in self.offers:
            raise BadInput(unknown("method", bare, self.offers, f"of {self.name} "))
        name = f"{self.name}.{called(bare, given)}"
        (page,) = (page for page in self.pages if bare in page.OFFERS)
        found = LibraryMethod(name, page, self, bare, given=given)
        found.resolve({})
        return found


def _version(distribution: str) -> str:
    for name in (distribution, f"{distribution}-cpu") if distribution else ():
        with suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(name)
    return ""


def package(name: str) -> str:
    """What a library imports to do its work: the first of its `IMPORTS`."""
    return str(next(iter(describe(name).module.IMPORTS)))


def names() -> list[str]:
    """The libraries there are, installed or not, by file or folder; nothing is imported."""
    here = Path(__file__).parent
    found = [*here.glob("[a-z]*.py"), *(path.parent for path in here.glob("[a-z]*/__init__.py"))]
    return sorted(path.stem for path in found)


def describe(name: str) -> Library:
    """A library by name, installed or not. Raises BadInput with the nearest names."""
    if name not in names():
        raise BadInput(unknown("library", name, names()))
    return Library(name, importlib.import_module(f"implementations.libraries.{name}"))


def load(name: str) -> Library:
    """A library that can be used. Raises BadInput, or Unavailable that says what to install."""
    library = describe(name)
    if library.missing:
        raise Unavailable(library.missing)
    return library
