"""Run by test_contract.py, one process a column: every method's maps as one safetensors file.

Arguments: framework, precision, and a folder with architecture.json, weights.safetensors,
images.npy and targets.npy. Writes maps.safetensors there: `method option=value|stage`, of the batch
and, as `...|alone`, of its second image alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from implementations import methods
from implementations.architecture import graph
from implementations.architecture import weights as neutral
from implementations.errors import Unavailable
from implementations.frameworks import load


def variants(method: methods.Method) -> Iterator[dict[str, str]]:
    """The defaults, and every other value of each option that has named values."""
    yield {}
    for name, option in method.options.items():
        match option:
            case methods.Choice():
                yield from ({name: value} for value in option.values if value != option.default)
            case methods.Flag():
                yield {name: str(not option.default)}


def main(framework: str, precision: str, folder: Path) -> None:
    architecture = graph.read(folder / "architecture.json")
    weights = neutral.load(folder / "weights.safetensors")
    images, targets = np.load(folder / "images.npy"), np.load(folder / "targets.npy")
    module = load(framework)
    network = module.build(architecture, weights, "cpu", precision)
    maps = {}
    for name in methods.names():
        method = methods.load(name)
        layer = method.layer(architecture, None)
        try:
            builder = method.builder(framework)
        except Unavailable:
            continue
        for given in variants(method):
            label = " ".join([name, *(f"{option}={value}" for option, value in given.items())])
            explain = builder(network, layer, method.resolve(given))
            stages = explain(network, *module.put(network, images, targets))
            for stage, array in stages.items():
                maps[f"{label}|{stage}"] = module.to_numpy(array)
            alone = explain(network, *module.put(network, images[1:2], targets[1:2]))
            maps[f"{label}|alone"] = module.to_numpy(alone["heatmap"])
    neutral.save(folder / "maps.safetensors", maps)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
