"""What the methods of one column make of a network's images, and how far identities are from true.

Networks are drawn by hypothesis: their sizes, a batch norm and a pool or none, and their weights.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from implementations import methods
from implementations.architecture import graph
from implementations.architecture import weights as neutral
from implementations.arrays import Floats
from implementations.frameworks import load

FEW = {
    "samples": "4", "points": "3", "masks": "8", "side": "3", "permutations": "2", "grid": "2",
    "window": "3", "stride": "3",
}  # fmt: skip
"""Options that make a method cheap."""
OWN = {
    "kernel_shap": {"samples": "16"},
    "lime": {"samples": "40"},
    # Its divisors are far from 0 then, so that rounding stays rounding.
    "smooth_grad_cam_plus_plus": {"spread": "0.01"},
}


UNMOVED = ("eigen_cam", "fem", "random_cam")
"""What reads neither the target nor the head."""
ONCE = (
    "ablation_cam", "cam", "deconvolution", "deep_lift", "eigen_grad_cam", "expected_gradients",
    "finer_cam", "full_grad", "grad_cam", "grad_cam_all_classes", "gradient_x_input",
    "guided_backprop", "hires_cam", "integrated_gradients", "kernel_shap", "layer_cam", "lime",
    "lrp", "occlusion", "partition_shap", "permutation_shap", "rise", "saliency", "shapley_cam",
    "smooth_grad", "xgrad_cam",
)  # fmt: skip
TWICE = ("guided_grad_cam", "smooth_grad_squared", "var_grad")
CURVED = ("grad_cam_plus_plus", "score_cam", "smooth_grad_cam_plus_plus")
GROWTH = {
    **dict.fromkeys(UNMOVED, 0), **dict.fromkeys(ONCE, 1), **dict.fromkeys(TWICE, 2),
    **dict.fromkeys(CURVED, None),
}  # fmt: skip
"""Which power of the head's factor a map grows by; None where it grows in another way."""
LINEAR = {
    "full_grad": {"rescale": "none"}, "lrp": {"epsilon": "0"}, "rise": {"score": "logit"},
    "shapley_cam": {"score": "logit"},
}  # fmt: skip
"""What grows so with these options only."""


class Drawn(NamedTuple):
    """A network to be, and three images for it."""

    architecture: graph.Architecture
    tensors: dict[str, Any]
    images: Any

    def changed(self, factor: float = 1, raised: float = 0) -> dict[str, Any]:
        """The weights, with logits times a factor and more by a constant."""
        head = {
            "dense1.kernel": factor * self.tensors["dense1.kernel"].astype(float),
            "dense1.bias": factor * self.tensors["dense1.bias"].astype(float) + raised,
        }
        return {**self.tensors, **head}

    def unbiased(self) -> dict[str, Any]:
        """The weights, without what a network adds to what it is given."""
        added = ("bias", "offset", "mean")
        return {
            name: np.zeros_like(array) if name.endswith(added) else array
            for name, array in self.tensors.items()
        }


def network(
    side: int, colours: int, filters: tuple[int, int], classes: int, between: list[dict[str, Any]]
) -> graph.Architecture:
    """Two convolutions, some nodes between them, a global pool and a dense layer."""
    nodes = [
        {"name": "conv1", "kind": "conv", "filters": filters[0], "kernel": 3},
        *between,
        {"name": "conv2", "kind": "conv", "filters": filters[1], "kernel": 3},
        {"name": "relu2", "kind": "relu"},
        {"name": "gap1", "kind": "global_average_pool"},
        {"name": "dense1", "kind": "dense", "units": classes},
    ]
    read = ["input", *(node["name"] for node in nodes)]
    nodes = [{**node, "inputs": before} for node, before in zip(nodes, read, strict=False)]
    form = {"name": "drawn", "input_shape": [side, side, colours], "classes": classes}
    return graph.parse({**form, "nodes": nodes}, "drawn")


@st.composite
def networks(draw: st.DrawFn) -> Drawn:
    norm = [{"name": "norm1", "kind": "batch_norm"}] * draw(st.integers(0, 1))
    relu = {"name": "relu1", "kind": draw(st.sampled_from(["relu", "relu6"]))}
    pools = [None, ("max_pool", 2), ("max_pool", 3), ("average_pool", 2)]
    pool = draw(st.sampled_from(pools))
    after = [{"name": "pool1", "kind": pool[0], "size": pool[1], "stride": 2}] if pool else []
    architecture = network(
        draw(st.sampled_from([8, 10])), draw(st.sampled_from([1, 3])),
        draw(st.tuples(st.integers(2, 4), st.integers(2, 5))), draw(st.integers(2, 4)),
        [*norm, relu, *after],
    )  # fmt: skip
    seed = draw(st.integers(0, 2**31))
    generator = np.random.default_rng(seed)
    images = generator.random((3, *architecture.input_shape)).astype(np.float32)
    images[generator.random(images.shape) < draw(st.floats(0, 0.5))] = 0
    return Drawn(architecture, dict(neutral.randomise(architecture, seed)), images)


def quarters(side: int) -> list[tuple[slice, slice]]:
    """The places of the four cells."""
    halves = slice(0, side // 2), slice(side // 2, side)
    return [(row, column) for row in halves for column in halves]


class Asked:
    """A network of these weights, three images, and what methods make of them."""

    def __init__(self, framework: str, precision: str, drawn: Drawn, tensors: Any = None) -> None:
        self.name, self.module, self.images = framework, load(framework), drawn.images
        self.architecture = drawn.architecture
        weights = drawn.tensors if tensors is None else tensors
        self.network = self.module.build(self.architecture, weights, "cpu", precision)
        self.targets = np.arange(2, 5, dtype=np.int32) % self.architecture.classes

    def chosen(self, name: str, score: str = "", layer: str | None = None, **options: str) -> Any:
        """A method, its options, cheap but where they are given, and its layer."""
        method = methods.load(name)
        few = {option: FEW[option] for option in method.options if option in FEW}
        given = {**few, **OWN.get(method.name, {}), **options}
        return method, method.resolve(given, score), method.layer(self.architecture, layer)

    def drawn(self, name: str, seed: int) -> dict[str, bytes]:
        """What a method is given of a seed."""
        method, chosen, layer = self.chosen(name)
        draws = method.draws(chosen, self.architecture, layer, seed)
        return {key: array.tobytes() for key, array in draws.items()}

    def stages(
        self, name: str, targets: Any = None, score: str = "", draws: Any = None, seed: int = 0,
        some: Any = slice(None), layer: str | None = None, **options: str,
    ) -> Any:  # fmt: skip
        """What a method makes of some images, of `draws` where they are not its own."""
        method, chosen, layer = self.chosen(name, score, layer, **options)
        compile = self.module.compiler(self.network, method.outputs, "eager")
        explain = method.builder(self.name)(self.network, layer, chosen, compile)
        drawn = {**method.draws(chosen, self.architecture, layer, seed), **(draws or {})}
        placed = [self.module.place(self.network, drawn)] if drawn else []
        asked = self.targets if targets is None else np.asarray(targets, np.int32)
        made = explain(
            self.network, *self.module.put(self.network, self.images[some], asked[some]), *placed
        )
        return {key: self.module.to_numpy(array).astype(float) for key, array in made.items()}

    def map(self, name: str, **asked: Any) -> Floats:
        found = self.stages(name, **asked)
        return found.get("signed", found["heatmap"])

    def scores(self, images: Floats) -> Floats:
        """The logits of the targets."""
        placed = self.module.put(self.network, images.astype(np.float32))
        logits = self.module.to_numpy(self.network(placed))
        return logits[np.arange(3), self.targets].astype(float)


class Found(dict[str, float]):
    """The largest error so far of each identity, over the peak of what it should be."""

    def same(self, identity: str, made: Floats, expected: Floats) -> None:
        gap = np.abs(made - expected).max() / (np.abs(expected).max() or 1)
        assert np.isfinite(gap), identity
        self[identity] = max(float(gap), self.get(identity, 0.0))
