"""One file a third-party library, found by its name: nothing is registered anywhere.

A library's module has `TITLE`, `PACKAGE` (the distribution whose version counts), `IMPORTS` (what
it imports -> the distribution that brings it), `FRAMEWORK` (whose networks it explains; for Keras
`BACKEND` beside it), `OFFERS` and `build(offer, network, layer, options)`, which gives an `explain`
of the form methods have. A library is imported in `build` and nowhere else.

`load("captum").method("saliency")` is a `Method` like our own, so whatever takes a method takes it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from implementations.contract import BadInput, Builder, Explain, Options, Unavailable
from implementations.graph import unknown
from implementations.methods import Method, Option


@dataclass(frozen=True)
class Offer:
    """What a library offers.

    `like` names our method of the same kind (empty where there is none), `at` where its heatmap
    lives ("layer" or "input"), `why` how its numbers differ from ours and what is converted here.
    `canonical` are the options that make it compute our very map: none needed where it is empty,
    none there are where it is None.
    """

    like: str
    at: str
    why: str
    options: Mapping[str, Option] = field(default_factory=dict)
    canonical: Mapping[str, str] | None = None


@dataclass(frozen=True)
class LibraryMethod(Method):
    """An offer in the form of a method: the same options, layers and builders."""

    offer: str

    @property
    def options(self) -> Mapping[str, Option]:
        """The option schema."""
        return self._offered.options

    @property
    def at(self) -> str:
        """`layer` or `input`: where its heatmap lives."""
        return self._offered.at

    @property
    def why(self) -> str:
        """Why its heatmap may differ from that of the method it is like."""
        return self._offered.why

    def builder(self, framework: str) -> Builder:
        """The builder. Raises Unavailable for another framework than the library's."""
        if framework != self.module.FRAMEWORK:
            raise Unavailable(f"{self.name} explains networks of {self.module.FRAMEWORK} only")

        def build(network: Any, layer: str, options: Options) -> Explain:
            explain: Explain = self.module.build(self.offer, network, layer, options)
            return explain

        return build

    def source(self, framework: str) -> str:
        """The text of the library's file: what a result depends on."""
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
        """Whose networks it explains."""
        return str(self.module.FRAMEWORK)

    @property
    def backend(self) -> str:
        """On which of its framework's backends; empty where it has none."""
        return str(getattr(self.module, "BACKEND", ""))

    @property
    def offers(self) -> Mapping[str, Offer]:
        """What it offers, by its own names."""
        offers: Mapping[str, Offer] = self.module.OFFERS
        return offers

    @property
    def missing(self) -> str | None:
        """What to install before it can be used, or None."""
        imports: Mapping[str, str] = self.module.IMPORTS
        absent = [pip for name, pip in imports.items() if importlib.util.find_spec(name) is None]
        return f"{self.title} is not installed; pip install {' '.join(absent)}" if absent else None

    def version(self) -> str:
        """The version of its distribution. Raises Unavailable."""
        try:
            return importlib.metadata.version(self.module.PACKAGE)
        except importlib.metadata.PackageNotFoundError:
            raise Unavailable(self.missing or f"{self.module.PACKAGE} has no version") from None

    def method(self, offer: str) -> LibraryMethod:
        """An offer as a method. Raises BadInput with the nearest names."""
        if offer not in self.offers:
            raise BadInput(unknown("method", offer, self.offers, f"of {self.name} "))
        return LibraryMethod(f"{self.name}.{offer}", self.module, offer)


def names() -> list[str]:
    """The libraries there are, installed or not, by file name; nothing is imported."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


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


class Evaluations:
    """How many images have passed through a network's forward pass."""

    def __init__(self) -> None:
        self.images = 0


@contextmanager
def count_evaluations(network: Any) -> Iterator[Evaluations]:
    """Count the images that reach the logits of a PyTorch or Keras network within the block.

    An image in a batch of a hundred perturbed ones counts as one each. Backward passes are not
    counted, nor what a compiled function does. Do not time within the block: the counting costs.
    """
    evaluations = Evaluations()

    def count(logits: Any) -> None:
        evaluations.images += len(logits)

    watched = _hooked if hasattr(network, "register_forward_hook") else _wrapped
    with watched(network, count):
        yield evaluations


@contextmanager
def _hooked(network: Any, count: Callable[[Any], None]) -> Iterator[None]:
    handle = network.register_forward_hook(lambda module, arguments, logits: count(logits))
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def _wrapped(network: Any, count: Callable[[Any], None]) -> Iterator[None]:
    """Count at the Keras layer that gives the logits.

    Libraries make models of their own, but of the same layers: every model's pass goes through it.
    """
    layer = network.model.get_layer(network.architecture.output)
    call = layer.call

    def counted(*arguments: Any, **settings: Any) -> Any:
        logits = call(*arguments, **settings)
        count(logits)
        return logits

    layer.call = counted
    try:
        yield
    finally:
        del layer.call


def require_tensorflow(title: str, network: Any, layer: str) -> None:
    """Raise Unavailable where a library of TensorFlow's cannot read this Keras network's layer.

    Such a library asks a `tf.GradientTape` for the gradient, and a model's layer for its output by
    the layer's name.
    """
    from implementations.frameworks.keras_backends import NAME

    if NAME != "tensorflow":
        raise Unavailable(f"{title} works on TensorFlow only, and Keras is on {NAME} here")
    outputs = {own.name: own.output for own in network.model.layers}
    if outputs.get(layer) is not network.tensors[layer]:
        raise Unavailable(
            f"{title} finds a layer by its name, and {layer!r} is not the output of one Keras "
            "layer but of operations; choose another with --layer"
        )
