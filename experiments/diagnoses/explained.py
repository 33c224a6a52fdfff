"""A process of one column: each offer of its libraries on one network, as `contrast` keeps maps.

Arguments: framework, backend or -, and a folder with images.npy and targets.npy. Writes there a
`library.offer.npy` each, (N, H, W) at the images' size, or a .txt that says why there is none.
"""

from __future__ import annotations

import sys
import traceback
import warnings
from pathlib import Path

import numpy as np

from bench.record.cell import Cell
from bench.subject.explainer import build
from implementations import libraries
from implementations.architecture import registered, weights
from implementations.errors import Unavailable

ROOT = Path(__file__).parents[2]
DATASET = "digits"
NETWORK = "cnn-32-16-8"
OTHER = {"cam": "cnn-gap"}
"""Offers that ask for another network."""


def main(framework: str, backend: str, folder: Path) -> None:
    """Explain, one offer after another; what fails is told and the next one begun."""
    images, targets = np.load(folder / "images.npy"), np.load(folder / "targets.npy")
    for name in libraries.names():
        about = libraries.describe(name)
        if (about.framework, about.backend) != (framework, backend) or about.missing:
            continue
        for offer in about.offers:
            path = folder / f"{name}.{offer}.npy"
            network = OTHER.get(offer, NETWORK)
            cell = Cell(
                stage="contrast", framework=framework, backend=backend, dataset=DATASET,
                architecture=network, library=name, method=offer, mode="eager",
            )  # fmt: skip
            try:
                size = images.shape[1:]
                architecture = registered.get(network, size, 10)
                tensors = weights.load(ROOT / f"results/weights/{DATASET}--{network}.safetensors")
                explainer = build(cell, architecture, tensors)
                (stages,) = explainer.stages(images, targets, len(images))
                np.save(path, stages["upsampled"].astype(np.float64))
            except Unavailable as error:
                path.with_suffix(".txt").write_text(str(error))
            except Exception:  # a library may raise anything: the others are still asked
                path.with_suffix(".txt").write_text(traceback.format_exc().splitlines()[-1])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1], sys.argv[2].strip("-"), Path(sys.argv[3]))
