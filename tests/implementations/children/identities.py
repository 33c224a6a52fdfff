"""Run by test_identities_in_columns.py, one process a column: how far each identity is from true.

Arguments: framework, precision, how many cases, and the file to write: a float an identity, the
largest error over the peak of what it should be. A case is drawn by hypothesis: the weights of a
convolutional network, with and without biases, those of a linear one, and three images.
"""

from __future__ import annotations

import sys
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from games import Game
from hypothesis import given, settings
from hypothesis import strategies as st

from implementations import methods
from implementations.architecture import graph
from implementations.architecture import weights as neutral
from implementations.arrays import Floats
from implementations.frameworks import load

NODES = [
    {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 4, "kernel": 3},
    {"name": "relu1", "kind": "relu", "inputs": "conv1"},
    {"name": "conv2", "kind": "conv", "inputs": "relu1", "filters": 5, "kernel": 3},
    {"name": "relu2", "kind": "relu", "inputs": "conv2"},
    {"name": "gap1", "kind": "global_average_pool", "inputs": "relu2"},
    {"name": "dense1", "kind": "dense", "units": 3, "inputs": "gap1"},
]
FORM = {"name": "small", "input_shape": [8, 8, 1], "classes": 3, "nodes": NODES}
ARCHITECTURE = graph.parse(FORM, "small")
STRAIGHT = graph.parse(
    {
        "name": "linear", "input_shape": [8, 8, 1], "classes": 3,
        "nodes": [
            {"name": "flatten1", "kind": "flatten", "inputs": "input"},
            {"name": "dense1", "kind": "dense", "units": 5, "inputs": "flatten1"},
            {"name": "dense2", "kind": "dense", "units": 3, "inputs": "dense1"},
        ],
    },
    "linear",
)  # fmt: skip
GRID = {"grid": "2"}
CELL = 16
"""Pixels of a cell of that grid."""


class Asked:
    """A network of these weights, three images, and what methods make of them."""

    def __init__(
        self, framework: str, precision: str, tensors: Any, images: Floats,
        architecture: graph.Architecture = ARCHITECTURE,
    ) -> None:  # fmt: skip
        self.name, self.module, self.images = framework, load(framework), images
        self.architecture = architecture
        self.network = self.module.build(architecture, tensors, "cpu", precision)
        self.targets = np.array([2, 0, 1], np.int32)

    def stages(
        self, name: str, targets: Any = None, score: str = "", draws: Any = None, seed: int = 0,
        some: slice = slice(None), **options: str,
    ) -> Any:  # fmt: skip
        """What a method makes of some images, of `draws` where they are not its own."""
        method = methods.load(name)
        chosen, layer = method.resolve(options, score), method.layer(self.architecture, None)
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
        logits = self.module.to_numpy(self.network(self.module.put(self.network, images)))
        return logits[np.arange(3), self.targets].astype(float)


class Found(dict[str, float]):
    """The largest error so far of each identity, over the peak of what it should be."""

    def same(self, identity: str, made: Floats, expected: Floats) -> None:
        gap = np.abs(made - expected).max() / (np.abs(expected).max() or 1)
        assert np.isfinite(gap), identity
        self[identity] = max(float(gap), self.get(identity, 0.0))


def curved(framework: str, precision: str, seed: int, images: Floats, found: Found) -> None:
    """What holds of a network of convolutions."""
    same = found.same
    drawn = dict(neutral.randomise(ARCHITECTURE, seed))
    bare = {name: np.zeros_like(w) if name.endswith("bias") else w for name, w in drawn.items()}
    raised = {**drawn, "dense1.bias": drawn["dense1.bias"].astype(float) + 2}
    larger = {name: 4 * w if name.startswith("dense1") else w for name, w in drawn.items()}
    nothing = {name: 0 * w if name.startswith("dense1") else w for name, w in drawn.items()}
    plain, level, moved, scaled, blank = (
        Asked(framework, precision, tensors, images)
        for tensors in (drawn, bare, raised, larger, nothing)
    )
    cam, grad = plain.stages("cam"), plain.map("grad_cam")
    kernel, means = cam["weights"], cam["activations"].mean(axis=(1, 2))
    for name in ("grad_cam", "hires_cam", "xgrad_cam"):
        same("1 before a pool", plain.map(name), cam["signed"] / 64)
    same("1 ++", plain.stages("grad_cam_plus_plus")["weights"],
         np.maximum(kernel, 0) / (2 + np.maximum(kernel, 0) * means))  # fmt: skip
    same("1 ablation", plain.stages("ablation_cam")["weights"], kernel * means)
    for name in ("hires_cam", "gradient_x_input"):
        same("2 linear in the score", scaled.map(name), 4 * plain.map(name))
    rising = 4 * np.maximum(kernel, 0)
    same("2 ++", scaled.stages("grad_cam_plus_plus")["weights"], rising / (2 + rising * means))
    for name in ("grad_cam_plus_plus", "xgrad_cam", "full_grad", "finer_cam", "shapley_cam"):
        same("2 a head of zeros", blank.map(name), 0 * images[..., 0])
    same("2 a head of zeros, score_cam", blank.stages("score_cam")["weights"], np.full((3, 5), 0.2))
    for name in ("kernel_shap", "lime", "permutation_shap", "partition_shap", "score_cam"):
        more = {} if name == "score_cam" else GRID
        same("3 a constant", moved.map(name, **more), plain.map(name, **more))
    masks = {"masks": "8", "side": "3"}
    for score in ("probability", "log_probability"):
        same(f"3 {score}", moved.map("grad_cam", score=score), plain.map("grad_cam", score=score))
        more = {**masks, "score": score}
        same(f"3 {score}", moved.map("rise", **more), plain.map("rise", **more))
    risen = plain.scores(images) - plain.scores(0 * images)
    same("4 deep_lift", plain.map("deep_lift").sum(axis=(1, 2)), risen)
    owen = plain.map("partition_shap", **GRID)
    same("4 partition_shap", owen.sum(axis=(1, 2)) / CELL, risen)
    for name in ("kernel_shap", "permutation_shap"):
        same(f"4 {name}", plain.map(name, **GRID).sum(axis=(1, 2)) / CELL, risen)
    for name in ("hires_cam", "xgrad_cam"):
        same(f"4 {name}", level.map(name).sum(axis=(1, 2)), level.scores(images))
    scores = plain.scores(images)
    same("4 full_grad", plain.stages("full_grad")["completeness_gap"] + scores, scores)
    times = level.map("gradient_x_input")
    same("4 gradient_x_input", times.sum(axis=(1, 2)), level.scores(images))
    same("5 lrp", level.map("lrp", composite="epsilon", epsilon="0"), times)
    same("5 shapley_cam", plain.map("shapley_cam", score="logit"), grad)
    each = plain.map("grad_cam[targets=all]")
    own = np.take_along_axis(each, plain.targets[:, None, None, None], axis=3)[..., 0]
    finer = own - 0.3 * (each.sum(axis=3) - own)
    same("5 finer_cam", plain.map("finer_cam"), finer)
    same("5 layer_cam", plain.map("layer_cam", positive="product"), plain.map("layer_cam"))
    still = plain.stages("smooth_grad", samples="2", spread="0")["heatmap"]
    same("5 smooth_grad", still, plain.stages("saliency")["heatmap"])
    few = {"samples": "3"}
    squared = plain.map("var_grad", **few) + plain.map("smooth_grad", form="square", **few)
    same("5 smooth_grad_squared", plain.map("smooth_grad_squared", **few), squared)
    guided = plain.stages("guided_backprop")["heatmap"] * plain.stages("grad_cam")["heatmap"]
    same("5 guided_grad_cam", plain.stages("guided_grad_cam")["heatmap"], guided)
    lost = np.empty((3, 8, 8))
    for cell in np.ndindex(2, 2):
        place = tuple(slice(4 * at, 4 * at + 4) for at in cell)
        hidden = images.copy()
        hidden[:, *place] = 0
        lost[:, *place] = (scores - plain.scores(hidden))[:, None, None]
    same("5 occlusion", plain.map("occlusion", window="4", stride="4"), lost)
    for n in range(3):
        alone = plain.stages("grad_cam", some=slice(n, n + 1))["signed"]
        same("8 alone", alone, grad[n : n + 1])
    first, again, other = (plain.map("smooth_grad", seed=seed, **few) for seed in (0, 0, 1))
    same("8 one seed", again, first)
    assert not np.allclose(other, first)
    turned = np.array([2, 0, 1])
    again = Asked(framework, precision, drawn, images[turned])
    same("8 the order", again.map("grad_cam", targets=plain.targets[turned]), grad[turned])
    for name in ("eigen_cam", "fem", "random_cam"):
        same(f"9 {name}", scaled.map(name, targets=[0, 1, 2]), plain.map(name))

    games(plain, found)


def games(plain: Asked, found: Found) -> None:
    """The game of four cells that a network plays: the values' definitions, of all its sets."""
    members = np.array([[t >> cell & 1 for cell in range(4)] for t in range(16)], bool)
    shown = np.kron(members.reshape(-1, 2, 2), np.ones((4, 4)))[..., None]
    scores = np.stack([plain.scores((plain.images * mask).astype(np.float32)) for mask in shown])
    shapley, owen = np.empty((3, 4)), np.empty((3, 4))
    for n in range(3):
        game = Game(4)
        game.values = scores[:, n]
        shapley[n], owen[n] = game.shapley(), game.owen(((0, 1), (2, 3)))
    paths = methods.load("permutation_shap").module.paths
    orders = np.array(list(permutations(range(4))), np.int32)
    for name, expected, draws in (
        ("kernel_shap", shapley, None),
        ("permutation_shap", shapley, {"orders": orders, **paths(orders)}),
        ("partition_shap", owen, None),
    ):
        cells = plain.stages(name, draws=draws, **GRID)["heatmap"][:, ::4, ::4].reshape(3, 4)
        found.same(f"7 {name}", cells, expected)


def linear(framework: str, precision: str, seed: int, images: Floats, found: Found) -> None:
    """Of a linear network the closed forms: its weights w, alone or times what is changed."""
    tensors = dict(neutral.randomise(STRAIGHT, seed))
    asked = Asked(framework, precision, tensors, images, STRAIGHT)
    product = tensors["dense1.kernel"].astype(float) @ tensors["dense2.kernel"].astype(float)
    w = product.T[asked.targets].reshape(3, 8, 8)
    x = images[..., 0].astype(float)
    cells = (w * x).reshape(3, 2, 4, 2, 4).sum(axis=(2, 4)).repeat(4, axis=1).repeat(4, axis=2)
    for name in ("kernel_shap", "permutation_shap", "partition_shap"):
        found.same(f"6 {name}", asked.map(name, **GRID), cells)
    found.same("6 lime", asked.map("lime", alpha="0", width="1", **GRID), cells)
    found.same("6 occlusion", asked.map("occlusion", window="4", stride="4"), cells)
    few = {"samples": "4"}
    for name in ("smooth_grad", "saliency"):
        more = few if name == "smooth_grad" else {}
        found.same(f"6 {name}", asked.map(name, form="signed", **more), w)
    found.same("6 integrated_gradients", asked.map("integrated_gradients", points="3"), w * x)
    found.same("6 deep_lift", asked.map("deep_lift"), w * x)
    method = methods.load("expected_gradients")
    drawn = method.draws(method.resolve(few), STRAIGHT, "input", 0)
    mean = drawn["baselines"].mean(axis=0)[..., 0]
    found.same("6 expected_gradients", asked.map("expected_gradients", **few), (x - mean) * w)


def main(framework: str, precision: str, cases: int, out: Path) -> None:
    found = Found()

    @settings(max_examples=cases, deadline=None, derandomize=True, database=None)
    @given(st.integers(0, 2**31), st.floats(0, 0.5))
    def case(seed: int, dark: float) -> None:
        generator = np.random.default_rng(seed)
        images = generator.random((3, 8, 8, 1)).astype(np.float32)
        images[generator.random(images.shape) < dark] = 0
        curved(framework, precision, seed, images, found)
        linear(framework, precision, seed, images, found)

    case()
    neutral.save(out, {name: np.array(gap) for name, gap in found.items()})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
