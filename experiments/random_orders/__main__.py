"""The removal gain of random orders, on each published network with each fill: a table.

    python -m experiments.random_orders [--networks shapes/cnn-gap] [--images 100]

Of a random order insertion and deletion are expected to be equal whatever the network and the fill.
For each network and fill: the mean over images of the gain of one random order each, deletion and
insertion themselves, the 95 % interval of the mean, and |t|. One in twenty of such intervals leaves
out 0 by chance, so the last line holds the largest |t| of all against the one of their number
(Bonferroni): 1 is returned above it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import datasets
from bench.metrics import Case
from bench.record.cell import Cell
from bench.subject.draws import Draws
from bench.subject.heatmaps import Scores
from bench.subject.imputation import impute
from bench.subject.inputs import shared_weights
from bench.subject.model import Model, load
from implementations.architecture import registered, weights

PUBLISHED = Path(__file__).parents[2] / "results" / "weights"
Images = NDArray[Any]
LINEAR = "linear"
LEVEL = 0.05


def fills(train: Images, images: Images) -> Iterator[tuple[str, Images]]:
    """What stands for a removed pixel, by name: a colour, or one of each pixel."""
    from scipy.ndimage import gaussian_filter

    median = np.asarray(np.median(train, axis=(0, 1, 2)), np.float32)
    yield "median", median
    yield "black", np.zeros_like(median)
    yield "mean", train.mean(axis=(0, 1, 2), dtype=np.float64).astype(np.float32)
    height, width = images.shape[1:3]
    yield "blur", gaussian_filter(images, (0, height / 8, width / 8, 0))
    yield LINEAR, median


class Imputing(Model):
    """A network whose removed pixels are solved for out of what is left, the fill where nothing."""

    def masked(self, images: Images, masks: Images, fill: Images, targets: Images) -> Scores:
        """Scores (N, M), as of any model."""
        flat = masks.reshape(-1, *masks.shape[2:])
        each = np.repeat(np.arange(len(images)), masks.shape[1])
        found = self.scores(impute(images[each], flat).astype(np.float32), targets[each])
        margin, logit, probability = (part.reshape(masks.shape[:2]) for part in found[:3])
        return Scores(margin, logit, probability, found.label.reshape(masks.shape[:2]))


def gains(network: Callable[[Images], Images], batch: int, name: str, fill: Images,
          images: Images) -> dict[str, NDArray[np.float64]]:  # fmt: skip
    """Deletion, insertion and removal gain (N,) of one random order an image."""
    model = (Imputing if name == LINEAR else Model)(network, batch, fill)
    targets = model.logits(images).argmax(axis=1)
    maps = Draws(np.arange(len(images))).permutations("random order", images[0, ..., 0].size)
    case = Case(
        maps.reshape(images.shape[:3]).astype(float), images=images, targets=targets, model=model,
        draws=Draws(np.arange(len(images))),
    )  # fmt: skip
    return {metric: case.value(metric) for metric in ("deletion", "insertion", "removal_gain")}


def subject(dataset: str, architecture: str, count: int) -> tuple[Any, Images, Images]:
    """A network compiled, training images, and the first test images."""
    data = datasets.load(dataset)
    height, width, channels = data.test_images.shape[1:]
    graph = registered.get(architecture, (height, width, channels), len(data.class_names))
    tensors = weights.load(shared_weights(dataset, architecture))
    cell = Cell(stage="judge", framework="pytorch", dataset=dataset, architecture=architecture,
                mode="eager", precision="float32")  # fmt: skip
    model = load(cell, graph, tensors, np.zeros(channels))
    return model, data.train_images, data.test_images[:count]


def main() -> int:
    """Print the table."""
    from scipy import stats

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    known = [path.stem.replace("--", "/") for path in sorted(PUBLISHED.glob("*.safetensors"))]
    parser.add_argument("--networks", nargs="+", choices=known, default=known)
    parser.add_argument("--images", type=int, default=100)
    asked = parser.parse_args()
    print("| network | fill | deletion | insertion | removal gain | 95 % interval | \\|t\\| |")
    print("| --- " * 7 + "|")
    found: list[float] = []
    for network in asked.networks:
        dataset, _, architecture = network.partition("/")
        model, train, images = subject(dataset, architecture, asked.images)
        for name, fill in fills(train, images):
            of = gains(model.forward, model.batch, name, fill, images)
            gain = of["removal_gain"]
            error = gain.std(ddof=1) / np.sqrt(len(gain))
            half = stats.t.ppf(1 - LEVEL / 2, len(gain) - 1) * error
            found.append(abs(gain.mean()) / error)
            numbers = f"{of['deletion'].mean():.3f} | {of['insertion'].mean():.3f}"
            ends = f"[{gain.mean() - half:+.4f}, {gain.mean() + half:+.4f}]"
            print(f"| {network} | {name} | {numbers} | {gain.mean():+.4f} | {ends} | "
                  f"{found[-1]:.2f} |", flush=True)  # fmt: skip
    alone, family = (stats.t.ppf(1 - LEVEL / 2 / n, asked.images - 1) for n in (1, len(found)))
    outside = sum(t > alone for t in found)
    print(f"\n{outside} of {len(found)} intervals leave out 0, of which chance leaves out "
          f"{LEVEL * len(found):.1f}; the largest |t| is {max(found):.2f}, of so many chance "
          f"exceeds {family:.2f} once in twenty times.")  # fmt: skip
    return int(max(found) > family)


if __name__ == "__main__":
    sys.exit(main())
