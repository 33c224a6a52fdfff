"""One file a method, found by its name: nothing is registered anywhere.

A method's module has `TITLE`, `PAPER`, `AT` ("layer" or "input"), `OPTIONS`, `evaluations`, the
builder `reference` (float64 NumPy, no autodiff) and one builder a framework, named like it. It may
have `applies(architecture, layer)`, the reason why the method cannot serve there, or None, and
`CLASSES = "all"` where its maps are of every class, (N, h, w, K), instead of the target's. A
framework without a builder is a grey cell. CONTRIBUTING.md walks through writing one.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from implementations.architecture.graph import Architecture, resolve_layer
from implementations.contract import SCORES, Builder, Options
from implementations.errors import BadInput, Unavailable, unknown


@dataclass(frozen=True)
class Choice:
    """An option with a few named values."""

    default: str
    values: tuple[str, ...]
    meaning: str

    def parse(self, text: str) -> str:
        """The value. Raises ValueError with the values there are."""
        if text not in self.values:
            raise ValueError(f"one of {', '.join(self.values)}")
        return text


@dataclass(frozen=True)
class Number:
    """An option that is a number, whole where its default is, between two bounds."""

    default: float
    minimum: float
    maximum: float
    meaning: str

    def parse(self, text: str) -> float:
        """The value. Raises ValueError with the bounds."""
        kind = "a whole number" if isinstance(self.default, int) else "a number"
        try:
            value = type(self.default)(text)
        except ValueError:
            value = float("nan")
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{kind} from {self.minimum} to {self.maximum}")
        return value


@dataclass(frozen=True)
class Flag:
    """An option that is true or false."""

    default: bool
    meaning: str

    def parse(self, text: str) -> bool:
        """The value. Raises ValueError."""
        if text.lower() not in ("true", "false"):
            raise ValueError("true or false")
        return text.lower() == "true"


Option = Choice | Number | Flag


@dataclass(frozen=True)
class Method:
    """A method's module, read once."""

    name: str
    module: ModuleType

    @property
    def options(self) -> Mapping[str, Option]:
        """The option schema."""
        schema: Mapping[str, Option] = self.module.OPTIONS
        return schema

    @property
    def at(self) -> str:
        """`layer` or `input`: where its heatmap lives."""
        return str(self.module.AT)

    @property
    def every_class(self) -> bool:
        """Whether its maps are (N, h, w, K), one for each class, and targets are not read."""
        return getattr(self.module, "CLASSES", "target") == "all"

    def resolve(self, given: Mapping[str, str], score: str = "logit") -> Options:
        """Every option's value, given as text or left at its default. Raises BadInput."""
        if score not in SCORES:
            raise BadInput(unknown("score", score, SCORES))
        values: dict[str, Any] = {name: o.default for name, o in self.options.items()}
        for name, text in given.items():
            if name not in self.options:
                raise BadInput(unknown("option", name, self.options, f"of {self.name} "))
            try:
                values[name] = self.options[name].parse(text)
            except ValueError as error:
                raise BadInput(f"option {name}={text!r} of {self.name} must be {error}") from error
        return Options(score=score, **values)

    def layer(self, architecture: Architecture, name: str | None) -> str:
        """The node a heatmap is taken at; `input` for methods at the input. Raises BadInput."""
        if self.at == "input":
            if name not in (None, "input"):
                raise BadInput(f"{self.name} explains at the input: leave --layer {name!r} away")
            layer = "input"
        else:
            layer = resolve_layer(architecture, name)
        applies = getattr(self.module, "applies", None)
        reason = applies(architecture, layer) if applies else None
        if reason:
            raise Unavailable(f"{self.name} cannot explain {architecture.name}: {reason}")
        return layer

    def builder(self, framework: str) -> Builder:
        """The builder for a framework. Raises Unavailable where the method has none."""
        builder: Builder | None = getattr(self.module, framework, None)
        if builder is None:
            raise Unavailable(f"{self.name} has no builder for {framework}")
        return builder


def names() -> list[str]:
    """The methods there are, by file name; nothing is imported."""
    return sorted(_paths())


def _paths() -> dict[str, str]:
    """Method -> its family, the folder it lies in."""
    return {p.stem: p.parent.name for p in Path(__file__).parent.glob("*/[a-z]*.py")}


def load(name: str) -> Method:
    """A method by name. Raises BadInput with the nearest names."""
    families = _paths()
    if name not in families:
        raise BadInput(unknown("method", name, sorted(families)))
    return Method(name, importlib.import_module(f"{__name__}.{families[name]}.{name}"))
