"""Run by test_identities_in_columns.py, one process a column: how far each identity is from true.

Arguments: framework, precision, a seed, and the file to write: a float an identity, the largest
error over the peak of what it should be. Two small networks of that seed, with and without biases.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

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
GRID = {"grid": "2"}
CELL = 16
"""Pixels of a cell of that grid."""


class Asked:
    """A network of these weights, three images, and what methods make of them."""

    def __init__(self, framework: str, precision: str, tensors: Any, images: Floats) -> None:
        self.name, self.module, self.images = framework, load(framework), images
        self.network = self.module.build(ARCHITECTURE, tensors, "cpu", precision)
        self.targets = np.array([2, 0, 1], np.int32)

    def stages(self, name: str, targets: Any = None, score: str = "", **options: str) -> Any:
        method = methods.load(name)
        chosen, layer = method.resolve(options, score), method.layer(ARCHITECTURE, None)
        explain = method.bind(
            self.name, self.module, self.network, layer, chosen, method.outputs, "eager"
        )
        given = self.targets if targets is None else np.asarray(targets, np.int32)
        made = explain(*self.module.put(self.network, self.images, given))
        return {key: self.module.to_numpy(array).astype(float) for key, array in made.items()}

    def map(self, name: str, **asked: Any) -> Floats:
        found = self.stages(name, **asked)
        return found.get("signed", found["heatmap"])

    def scores(self, images: Floats) -> Floats:
        logits = self.module.to_numpy(self.network(self.module.put(self.network, images)))
        return logits[np.arange(3), self.targets].astype(float)


def main(framework: str, precision: str, seed: int, out: Path) -> None:
    images = np.random.default_rng(seed).random((3, 8, 8, 1)).astype(np.float32)
    drawn = dict(neutral.randomise(ARCHITECTURE, seed))
    bare = {name: np.zeros_like(w) if name.endswith("bias") else w for name, w in drawn.items()}
    raised = {**drawn, "dense1.bias": drawn["dense1.bias"] + 2}
    larger = {name: 4 * w if name.startswith("dense1") else w for name, w in drawn.items()}
    plain, level, moved, scaled = (
        Asked(framework, precision, tensors, images) for tensors in (drawn, bare, raised, larger)
    )
    found: dict[str, float] = {}

    def same(identity: str, made: Floats, expected: Floats) -> None:
        gap = np.abs(made - expected).max() / np.abs(expected).max()
        assert np.isfinite(gap), identity
        found[identity] = max(float(gap), found.get(identity, 0.0))

    cam, grad = plain.stages("cam"), plain.map("grad_cam")
    kernel, means = cam["weights"], cam["activations"].mean(axis=(1, 2))
    for name in ("grad_cam", "hires_cam", "xgrad_cam"):
        same("1 before a pool", plain.map(name), cam["signed"] / 64)
    same("1 ++", plain.stages("grad_cam_plus_plus")["weights"],
         np.maximum(kernel, 0) / (2 + np.maximum(kernel, 0) * means))  # fmt: skip
    same("1 ablation", plain.stages("ablation_cam")["weights"], kernel * means)
    for name in ("hires_cam", "gradient_x_input"):
        same("2 linear in the score", scaled.map(name), 4 * plain.map(name))
    for name in ("kernel_shap", "score_cam"):
        more = GRID if name == "kernel_shap" else {}
        same("3 a constant", moved.map(name, **more), plain.map(name, **more))
    risen = plain.scores(images) - plain.scores(0 * images)
    same("4 deep_lift", plain.map("deep_lift").sum(axis=(1, 2)), risen)
    owen = plain.map("partition_shap", **GRID)
    same("4 partition_shap", owen.sum(axis=(1, 2)) / CELL, risen)
    same("4 kernel_shap", plain.map("kernel_shap", **GRID).sum(axis=(1, 2)) / CELL, risen)
    same("4 hires_cam", level.map("hires_cam").sum(axis=(1, 2)), level.scores(images))
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
    turned = np.array([2, 0, 1])
    again = Asked(framework, precision, drawn, images[turned])
    same("8 the order", again.map("grad_cam", targets=plain.targets[turned]), grad[turned])
    same("9 eigen_cam", scaled.map("eigen_cam", targets=[0, 1, 2]), plain.map("eigen_cam"))
    neutral.save(out, {name: np.array(gap) for name, gap in found.items()})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
