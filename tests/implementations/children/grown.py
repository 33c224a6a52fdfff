"""Run by test_class_prototypes.py, one process a column: prototypes of two runs, as one file.

Arguments: framework, precision, mode, and a folder with architecture.json, weights.safetensors and
given.npz. It writes grown.safetensors: `short|...` of 10 steps, `long|...` of as many as are asked,
and how many functions each compiled.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from implementations import methods
from implementations.architecture import graph
from implementations.architecture import weights as neutral
from implementations.frameworks import load
from implementations.methods import class_prototypes

METHOD = methods.NamedMethod("class_prototypes", class_prototypes)


def main(framework: str, precision: str, mode: str, folder: Path) -> None:
    architecture = graph.read(folder / "architecture.json")
    module, given = load(framework), np.load(folder / "given.npz")
    tensors = neutral.load(folder / "weights.safetensors")
    network = module.build(architecture, tensors, "cpu", precision)
    found = {}
    for name, settings in {
        "short": {"steps": "10"},
        "long": {"steps": str(given["steps"]), "rate": "0.03"},
    }.items():
        compiler = module.compiler(network, METHOD.outputs, mode)
        explain = METHOD.builder(framework)(network, "input", METHOD.resolve(settings), compiler)
        before = module.compilations() if framework != "reference" else 0
        placed = module.put(network, given["starts"], given["targets"])
        grown = explain(network, *placed, module.place(network, {"means": given["means"]}))
        found |= {f"{name}|{key}": module.to_numpy(array) for key, array in grown.items()}
        compiled = module.compilations() - before if framework != "reference" else 0
        found[f"{name}|compiled"] = np.array(compiled)
    neutral.save(folder / "grown.safetensors", found)


if __name__ == "__main__":
    main(*sys.argv[1:4], Path(sys.argv[4]))
