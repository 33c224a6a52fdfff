"""A method by its name: its card, its builders, and what binds them to a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from implementations import columns
from implementations.architecture import registered
from implementations.architecture.graph import Architecture, resolve_layer
from implementations.arrays import Array, Draws, Images, Intermediates
from implementations.contract import SCORES, Builder, Framework, Options
from implementations.errors import BadInput, Unavailable, unknown
from implementations.methods import every_class
from implementations.methods.card import Cost, Method, Option

NETWORK = "cnn-gap"
"""A registered network that every method can explain."""


@dataclass(frozen=True)
class NamedMethod:
    """A method by its name: what is on its card, its builders, and the options in its name."""

    name: str
    module: ModuleType
    given: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    @property
    def card(self) -> Method:
        """What heads its file."""
        card: Method = self.module.METHOD
        return card

    @property
    def title(self) -> str:
        """What a table's heading says."""
        return self.card.title

    @property
    def options(self) -> Mapping[str, Option]:
        """The option schema."""
        either = self.card.classes in every_class.HOW
        return {**self.card.options, **({"targets": every_class.TARGETS} if either else {})}

    @property
    def at(self) -> str:
        """`layer` or `input`: where its heatmap lives."""
        return self.card.at

    @property
    def every_class(self) -> bool:
        """Whether its maps are (N, h, w, K), one for each class, and targets are not read."""
        return self.card.classes == "all" or self.given.get("targets") == "all"

    @property
    def outputs(self) -> tuple[str, ...]:
        """Its intermediates, `heatmap` the last, and its figures of each image."""
        return (*self.card.intermediates, *self.card.per_image)

    def resolve(self, given: Mapping[str, str], score: str = "") -> Options:
        """Every option's value: given as text, or in the name, or its default. Raises BadInput.

        Without a score it is the method's own.
        """
        score = score or self.card.score
        if score not in SCORES:
            raise BadInput(unknown("score", score, SCORES))
        if score not in self.card.scores:
            defined = " or ".join(self.card.scores)
            raise BadInput(f"{self.name} is not defined for score {score}; use {defined}")
        values: dict[str, Any] = {name: o.default for name, o in self.options.items()}
        for name, text in {**self.given, **given}.items():
            if name not in self.options:
                raise BadInput(unknown("option", name, self.options, f"of {self.name} "))
            try:
                values[name] = self.options[name].parse(text)
            except ValueError as error:
                raise BadInput(f"option {name}={text!r} of {self.name} must be {error}") from error
        return Options(score=score, **values)

    def layer(self, architecture: Architecture, name: str | None) -> str:
        """The node it reads; `input` for methods that read none. Raises BadInput, Unavailable."""
        if self.at == "layer" or self.card.reads == "layer":
            layer = resolve_layer(architecture, name)
        elif name in (None, "input"):
            layer = "input"
        else:
            raise BadInput(f"{self.name} explains at the input: omit --layer {name!r}")
        reason = self.card.applies(architecture, layer)
        if reason:
            raise Unavailable(f"{self.name} cannot explain {architecture.name}: {reason}")
        return layer

    def differentiated(self, layer: str) -> str:
        """The earliest node that a gradient is taken at: the layer, or the input."""
        return layer if self.at == "layer" else "input"

    def cost(self, options: Options, architecture: Architecture, layer: str) -> Cost:
        """Images through the network for each image explained."""
        cost = self.card.cost(options, architecture, layer)
        if self.card.classes == "pulled" and options.targets == "all":
            forward, backward, head = cost
            return Cost(forward, backward * architecture.classes, head * architecture.classes)
        return cost

    @property
    def differentiates(self) -> bool:
        """Whether it pulls anything back, with the options in its name."""
        network = registered.get(NETWORK)
        cost = self.cost(self.resolve({}), network, self.layer(network, None))
        return cost.backward > 0

    def draws(
        self,
        options: Options,
        architecture: Architecture,
        layer: str,
        seed: int,
        background: Images | None = None,
    ) -> Draws:
        """The arrays that it is given beside the images, of this seed: none where it needs none.

        `background` are training images (B, H, W, C), for a method that draws from them.
        """
        if self.card.draws is None:
            return {}
        generator = np.random.Generator(np.random.PCG64(seed))
        if self.card.resampled is not None and background is not None and len(background):
            return self.card.resampled(options, background, generator)
        return self.card.draws(options, architecture, layer, generator)

    def bind(
        self,
        name: str,
        framework: Framework,
        network: Any,
        layer: str,
        options: Options,
        outputs: Sequence[str] = ("heatmap",),
        mode: str = "eager",
        seed: int = 0,
        background: Images | None = None,
    ) -> Callable[[Array, Array], Intermediates]:
        """What explains images (N, ...) and targets (N,) on this network, given its draws already.

        `name` is the framework's, whose builder it is; it answers those of the outputs that it has.
        Raises BadInput for options that cannot be, Unavailable.
        """
        draws = self.draws(options, network.architecture, layer, seed, background)
        compile = framework.compiler(network, outputs, mode)
        explain = self.builder(name)(network, layer, options, compile)
        given = (framework.place(network, draws),) if draws else ()
        return lambda images, targets: explain(network, images, targets, *given)

    def builder(self, framework: str) -> Builder:
        """The builder for a framework. Raises Unavailable where the method has none.

        For one that differentiates nothing it is the reference's, of a method that needs no
        gradient: NumPy around the passes of that framework's own network.
        """
        builder: Builder | None = getattr(self.module, framework, None)
        if builder is None and columns.forward_only(framework):
            if self.differentiates:
                raise Unavailable(f"{self.name} needs a gradient, which {framework} does not give")
            builder = getattr(self.module, columns.REFERENCE)
        if builder is None:
            raise Unavailable(f"{self.name} has no builder for {framework}")
        if self.card.classes in every_class.HOW:
            return every_class.served(framework, self.card.classes, builder)
        return builder

    def has(self, framework: str) -> bool:
        """Whether there is a builder for a framework."""
        try:
            return bool(self.builder(framework))
        except Unavailable:
            return False
