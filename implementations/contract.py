"""What every implementation promises. The first page to read.

A *framework* is a module in `implementations/frameworks/` with the functions of `Framework`; its
`build` returns a `Network`. A *method* is a module in `implementations/methods/` whose builders,
one per framework and one for the oracle, have the form of `Builder`.

Arrays that live on a framework's device are written `Array` here: a `jax.Array`, a `torch.Tensor`
or a tensor of Keras' backend. Only NumPy arrays cross from one process to another, images always
as NHWC float32 in [0, 1] and targets as int32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from implementations.arrays import Array, Images, Stages, Targets, Weights

if TYPE_CHECKING:
    from implementations.architecture.graph import Architecture
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

    def kernel(self, node: str) -> Array:
        """The kernel of a dense node, (in, out) whatever the framework's own layout."""

    def with_relu(self, rule: str) -> Self:
        """The same weights behind ReLUs with another backward pass: one of `RELU_RULES`.

        `guided` passes a gradient where it and the input are positive; `deconvolution` where the
        gradient is positive.
        """


class KerasNetwork(Network, Protocol):
    """A network in Keras, which has no gradient of its own: the backend's, behind one name."""

    def split(self, layer: str) -> None:
        """Make the submodels of a layer. Call it in the builder: nothing is built while tracing."""

    def gradient(self, function: Callable[[Array], Array]) -> Callable[[Array], Array]:
        """The gradient of a scalar function of one array."""


class OracleNetwork(Network, Protocol):
    """A network in float64 NumPy, its backward pass derived by hand."""

    def pull_back(
        self, layer: str, activations: Array, rest: dict[str, Array], targets: Array, score: str
    ) -> Array:
        """The gradient of the per-image score with respect to the activations, of their shape."""

    def kinks(self, layer: str, images: Array) -> Array:
        """Per image (N,), how near a ReLU or max-pool past the layer is to switching.

        The smallest |pre-activation| or gap between a window's two largest values, relative to the
        node's largest magnitude in that image. Exact zeros and exact ties are no kinks. Infinity
        where nothing past the layer can switch.
        """


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

    def prepare(
        self, network: Network, explain: Explain, outputs: Sequence[str], mode: str
    ) -> Callable[[Array, Array], Stages]:
        """`explain` restricted to these outputs, compiled if asked, bound to its network."""

    def resize(self, heatmap: Array, size: tuple[int, int]) -> Array:
        """Bilinear, half-pixel centres, no antialias: (N, h, w) to (N, H, W)."""


Explain = Callable[[Any, Array, Array], Stages]
"""(network, images, targets) -> named stages, `heatmap` among them: pure, so it can be compiled."""

Builder = Callable[[Any, str, Options], Explain]
"""(network, layer, options) -> explain. Whatever must not be traced is made here, before it."""

MakeTrainer = Callable[[Any, "Recipe", str, Images, Targets, int, str], Trainer]
"""(network, recipe, optimizer, images, labels, seed, mode) -> a trainer from its weights on."""
