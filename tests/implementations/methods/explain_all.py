"""Run by test_contract.py, one process a column: every method's maps as one safetensors file.

Arguments: framework, precision, mode, whether with all `options` or their `defaults` only, the
methods, and a folder with architecture.json, weights.safetensors, images.npy and targets.npy. It
writes maps.safetensors there: `method option=value|intermediate`, of the batch and, of the
defaults, the oracle's and in float32, as `...|alone` of its second image alone (another shape,
which JAX compiles anew, operation by operation), or with mode compiled as `...|compiled` how much
was compiled for a second seed.
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
from implementations.frameworks import REFERENCE, load
from implementations.methods import every_class
from implementations.methods.card import Choice, Flag


def variants(method: methods.NamedMethod) -> Iterator[dict[str, str]]:
    """The defaults, and every other value of each option that has named values."""
    yield {}
    for name, option in method.options.items():
        match option:
            case Choice():
                yield from ({name: value} for value in option.values if value != option.default)
            case Flag():
                yield {name: str(not option.default)}


def main(
    framework: str, precision: str, mode: str, which: str, names: list[str], folder: Path
) -> None:
    architecture = graph.read(folder / "architecture.json")
    weights = neutral.load(folder / "weights.safetensors")
    images, targets = np.load(folder / "images.npy"), np.load(folder / "targets.npy")
    module = load(framework)
    network = module.build(architecture, weights, "cpu", precision)
    maps = {}
    for name in names:
        method = methods.load(name)
        layer = method.layer(architecture, None)
        try:
            method.builder(framework)
        except Unavailable:
            continue
        for given in variants(method) if which == "options" else [{}]:
            label = " ".join([name, *(f"{option}={value}" for option, value in given.items())])
            asked = (framework, module, network, layer, method.resolve(given), method.outputs, mode)
            if given.get("targets") == "all" and framework not in every_class.EVERY:
                continue  # refused, in one line
            explain = method.bind(*asked)
            placed = module.put(network, images, targets)
            for key, array in explain(*placed).items():
                maps[f"{label}|{key}"] = module.to_numpy(array)
            if given:
                continue
            if mode == "eager" and (precision == "float32" or framework == REFERENCE):
                alone = explain(*module.put(network, images[1:2], targets[1:2]))
                maps[f"{label}|alone"] = module.to_numpy(alone["heatmap"])
            if mode == "compiled" and method.card.draws:
                maps[f"{label}|compiled"] = np.array(another_seed(method, module, asked, placed))
    neutral.save(folder / "maps.safetensors", maps)


def another_seed(method: methods.NamedMethod, module, asked, placed) -> int:
    """How many functions another seed's draws compile, given to the same explainer."""
    framework, _, network, layer, options, outputs, mode = asked
    compile_ = module.compiler(network, outputs, mode)
    explain = method.builder(framework)(network, layer, options, compile_)
    for seed in (0, 1):
        before = module.compilations()
        draws = method.draws(options, network.architecture, layer, seed)
        module.wait(explain(network, *placed, module.place(network, draws)))
    return module.compilations() - before


if __name__ == "__main__":
    main(*sys.argv[1:5], sys.argv[5].split(), Path(sys.argv[6]))
