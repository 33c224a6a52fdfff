"""What every implementation promises. The first page to read.

A *framework* is a folder in `implementations/frameworks/` whose `runtime` has the functions of
`Framework`; its `build` returns a `Network`. A *method* is a module in `implementations/methods/`
whose builders, one per framework and one for the oracle, have the form of `Builder`.

Arrays that live on a framework's device are written `Array` here: a `jax.Array`, a `torch.Tensor`
or a tensor of Keras' backend. Only NumPy arrays cross from one process to another, images always
as NHWC float32 in [0, 1] and targets as int32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from implementations.arrays import Array, Draws, Images, Intermediates, Targets, Weights

if TYPE_CHECKING:
    from implementations.architecture.graph import Architecture
    from implementations.architecture.kinds import Backward
    from implementations.architecture.node import Node
    from implementations.architecture.recipes import Recipe

SCORES = ("logit", "probability", "log_probability")
MODES = ("eager", "compiled", "tuned", "xla")
DEVICES = ("cpu", "gpu")
PRECISIONS = ("float32", "tf32", "bfloat16", "float64")
RELU_RULES = ("guided", "deconvolution")


class Options(Mapping[str, Any]):
    """A method's options by name, each also an attribute; `options.score` is always there."""

    def __init__(self, **values: Any) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(name)
        return self._values[name]


class Network(Protocol):
    """An architecture with weights, in one framework, on one device, in inference mode.

    Images, activations and heatmaps are in the framework's own layout and on its device. `layer` is
    the name of a node (`graph.resolve_layer` has turned a user's name into it).
    Nothing here closes over the weights: a compiled function takes the network as its argument.
    """

    architecture: Architecture

    @property
    def capacity(self) -> int:
        """How many images one pass may hold: what methods of many passes make blocks of."""

    def __call__(self, images: Array) -> Array:
        """Logits (N, K) of images (N, H, W, C), or (N, C, H, W) in PyTorch."""

    def features(self, layer: str, images: Array) -> tuple[Array, dict[str, Array]]:
        """Activations at the layer, and whatever else `head` needs past it (`cut(...).rest`)."""

    def head(self, layer: str, activations: Array, rest: dict[str, Array]) -> Array:
        """Logits (N, K) from the activations at the layer."""

    def score(self, name: str, logits: Array, targets: Array) -> Array:
        """Per-image score (N,) of the target class: one of `SCORES`, sound where it saturates.

        With m = z_k - logsumexp of the other logits, probability is exp(log_sigmoid(m)) and
        log_probability is log_sigmoid(m), so 1 - p is never formed by subtraction.
        """

    def tensor(self, name: str) -> Array:
        """A weight by its neutral name, `conv1.kernel`, in the neutral layout: HWIO, (in, out)."""

    def tapped(self, images: Array, offsets: Mapping[str, Array]) -> tuple[Array, dict[str, Array]]:
        """Logits (N, K), and the outputs of the nodes named, to each of which its offset is added.

        The gradient by offsets of 0 is the gradient at all these nodes, in one backward pass.
        """

    def resize(self, maps: Array, size: tuple[int, int]) -> Array:
        """Bilinear, half-pixel centres, no antialias: (N, h, w) to (N, H, W)."""

    def with_relu(self, rule: str) -> Self:
        """The same weights behind ReLUs with another backward pass: one of `RELU_RULES`.

        `guided` passes a gradient where it and the input are positive; `deconvolution` where the
        gradient is positive.
        """

    def apply(self, node: Node, inputs: Sequence[Array], kernel: Array | None = None) -> Array:
        """The output of a node that is changed, by its own function and weights.

        A `kernel` in the neutral layout stands for its own, and then no bias is added.
        """

    def with_nodes(self, functions: Mapping[str, NodeFunction]) -> Self:
        """The same weights, nodes of these kinds computed by other functions. Raises BadInput.

        A backward pass that is linear in the gradient is a function of the node's own value whose
        derivative is the rule, all else in it held constant. The oracle has `with_backward`.
        """


class KerasNetwork(Network, Protocol):
    """A network in Keras, which has no gradient of its own: the backend's, behind one name."""

    def split(self, layer: str) -> None:
        """Make the submodels of a layer. Call it in the builder: nothing is built while tracing."""

    def tap(self, nodes: Sequence[str]) -> None:
        """Make the submodel that `tapped` runs with offsets at these nodes; in the builder too."""

    def gradient(self, function: Callable[..., Any], has_aux: bool = False) -> Callable[..., Any]:
        """The gradient of a scalar function of one array, or of a dictionary of arrays.

        With `has_aux` the function gives (scalar, anything), and this (gradient, anything).
        """


class OracleNetwork(Network, Protocol):
    """A network in float64 NumPy, its backward pass derived by hand."""

    def with_backward(self, rules: Mapping[str, Backward]) -> Self:
        """The same weights, nodes of these kinds with another backward pass. Raises BadInput."""

    def pull_back(
        self, layer: str, activations: Array, rest: dict[str, Array], targets: Array, score: str
    ) -> Array:
        """The gradient of the per-image score with respect to the activations, of their shape."""

    def pull(self, layer: str, activations: Array, rest: dict[str, Array], seed: Array) -> Array:
        """J' c of a seed c (N, K), of the activations' shape; J = dz/dA, z the logits."""

    def push(self, layer: str, activations: Array, rest: dict[str, Array], tangent: Array) -> Array:
        """J t (N, K) of a tangent t of the activations' shape, where z is piecewise linear."""

    def gradients(self, images: Array, targets: Array, score: str) -> dict[str, Array]:
        """The gradient of the per-image score at the output of every node, and at `input`."""

    def values(self, images: Array) -> dict[str, Array]:
        """The output of every node, and the images as `input`."""

    def decided(self, images: Array) -> dict[str, Array]:
        """The same as whom it follows has them, wherever rounding decides what a switch does."""

    def at_zero(self, node: str) -> Array:
        """The output (1, h, w, c) or (1, c) of a node where all that it reads is 0: its bias."""

    def note_margin(self, margins: Array) -> None:
        """How near each image (N,) is to a jump of the method's own, over the largest compared."""


class Trainer(Protocol):
    """Training of one network: data on the device, one compiled step."""

    def epoch(self, order: NDArray[np.int64], batch: int) -> NDArray[np.float64]:
        """Run the training images in this order; the mean loss per image of every step."""

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on: neutral weights, optimiser state as `optimizer/...`."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state."""

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """The neutral weights now."""


class Framework(Protocol):
    """The functions of a framework's module; the same sections in the same order in each."""

    def versions(self) -> dict[str, str]:
        """Versions of the packages that compute."""

    def probe(self, device: str, precision: str, mode: str) -> str | None:
        """Why this cannot be had here (what was looked for), or None when it can."""

    def build(
        self, architecture: Architecture, weights: Weights, device: str, precision: str
    ) -> Network:
        """A network for inference. Every tensor of the weights is consumed exactly once."""

    def weights(self, network: Network) -> dict[str, NDArray[Any]]:
        """The neutral weights of a network: the inverse of `build`."""

    def put(self, network: Network, images: Images, targets: Targets | None = None) -> Any:
        """Arrays to the device in its layout and precision: images, or (images, targets)."""

    def to_numpy(self, array: Array) -> NDArray[Any]:
        """A host copy, channels last: float32, or float64 where the array is float64."""

    def compilations(self) -> int:
        """How many functions this process has compiled so far."""

    def wait(self, arrays: Any) -> None:
        """Return when these arrays, and all work queued before them, are computed."""

    def place(self, network: Network, arrays: Draws) -> dict[str, Array]:
        """Arrays of any kind to the device, by name, floats in the network's precision.

        Four axes are (N, H, W, C) and become the framework's own layout.
        """

    def compiler(self, network: Network, outputs: Sequence[str], mode: str) -> Compile:
        """What a builder compiles its passes with. Raises Unavailable where the mode is not here.

        Of an answer with a heatmap it keeps the outputs named.
        """


Explain = Callable[..., Intermediates]
"""(network, images, targets[, draws]) -> intermediates, `heatmap` among them.

`draws` are a method's placed arrays by name, and are given to those that ask for any.
"""

NodeFunction = Callable[[Any, "Node", list[Array]], Array]
"""(network, node, inputs) -> its output; `network.apply` is the node's own function."""

Compile = Callable[[Callable[..., Any]], Callable[..., Any]]
"""A pure function of (network, *arrays) -> the same, compiled where the mode says so.

Arrays may be in dictionaries; whatever else a function needs it closes over.
"""

Builder = Callable[[Any, str, Options, Compile], Explain]
"""(network, layer, options, compile) -> explain.

A method of one pass ends in `return compile(explain)`; one of many compiles the pass and loops over
blocks of `network.capacity` images. Whatever must not be traced is made before.
"""

MakeTrainer = Callable[[Any, "Recipe", str, Images, Targets, int, str], Trainer]
"""(network, recipe, optimizer, images, labels, seed, mode) -> a trainer from its weights on."""
