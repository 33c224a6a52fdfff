"""What heads a method's file: its options, what it reads, what it costs, what it must be given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from numpy.random import Generator
from numpy.typing import NDArray

from implementations.architecture.graph import Architecture
from implementations.arrays import Draws, Images
from implementations.contract import Options


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
            # Python's own reading allows blanks, line ends and underscores around digits.
            value = type(self.default)(text) if text.strip("0123456789+-.eE") == "" else None
        except ValueError:
            value = None
        if value is None or not self.minimum <= value <= self.maximum:
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


class Cost(NamedTuple):
    """Images through the network for each image explained; a test counts them.

    `forward` through all of it, `head` only past the layer, `backward` pulled back.
    """

    forward: int
    backward: int = 0
    head: int = 0

    @property
    def evaluations(self) -> int:
        """What tables print: images through the network, or through its head."""
        return self.forward + self.head


Spend = Callable[[Options, Architecture, str], Cost]


def once(backward: int = 1) -> Spend:
    """The cost of one pass through the network, and of as many pull-backs."""
    return lambda options, architecture, layer: Cost(1, backward)


@dataclass(frozen=True)
class Method:
    """The card of a method.

    `at` is where its map lives, `reads` which activations it needs besides the image's, `classes`
    whether the map is of the target or of every class, (N, h, w, K), or how it is of either
    (`every_class.py`). `intermediates` are compared
    and saved in this order, `per_image` (N,) are saved only. `score` is its own default, `scores`
    those it is defined for. `tolerance` is for float32, `exact` for float64, both of the signed
    map's peak.
    """

    title: str
    paper: str
    at: Literal["layer", "input"]
    intermediates: tuple[str, ...]
    cost: Spend
    reads: Literal["none", "layer", "layers"] = "none"
    classes: Literal["target", "all", "pulled", "scored"] = "target"
    options: Mapping[str, Option] = field(default_factory=dict)
    per_image: tuple[str, ...] = ()
    score: str = "logit"
    scores: tuple[str, ...] = ("logit", "probability", "log_probability")
    tolerance: float = 1e-5
    exact: float = 1e-12
    draws: Callable[[Options, Architecture, str, Generator], Draws] | None = None
    """Arrays it is given as arguments, in NumPy, without a batch axis: a new seed compiles none."""
    resampled: Callable[[Options, Images, Generator], Draws] | None = None
    """The same, drawn from a background of training images (B, H, W, C) wherever there is one."""
    sums_to: Callable[[Options, NDArray[Any]], Any] | None = None
    """Of a map that adds up to the score less that of a baseline: that image, of the images."""
    applies: Callable[[Architecture, str], str | None] = lambda architecture, layer: None
    """Why it cannot serve at this layer, or None."""
    thresholds: Callable[[Architecture, str], int] = lambda architecture, layer: 0
    """How many comparisons of its own make a map jump: its reference notes how near they are."""
    core: bool = False
    """Whether it is of the core set, which commands take where no method is named."""
