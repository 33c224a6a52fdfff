"""Run by the tests of Keras' libraries on TensorFlow: the maps of some offers of a library.

Arguments: library, and a folder with architecture.json, weights.safetensors, images.npy,
targets.npy and cases.json, a list of `precision offer layer option=value ...`, where another
library's offer is `library.offer`. Writes there maps.npz by case, and found.json: under the same
names why there is no map.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np

from implementations import libraries
from implementations.architecture import graph
from implementations.architecture import weights as neutral
from implementations.errors import Unavailable
from implementations.frameworks.keras import runtime


def main(library: str, folder: Path) -> None:
    architecture = graph.read(folder / "architecture.json")
    weights = neutral.load(folder / "weights.safetensors")
    images, targets = np.load(folder / "images.npy"), np.load(folder / "targets.npy")
    maps, found = {}, {}
    for case in json.loads((folder / "cases.json").read_text()):
        precision, offer, layer, *options = case.split()
        network = runtime.build(architecture, weights, "cpu", precision)
        whose, _, named = offer.rpartition(".")
        method = libraries.load(whose or library).method(named)
        resolved = method.resolve(dict(option.split("=") for option in options))
        try:
            explain = method.builder("keras")(network, layer, resolved, lambda whole: whole)
        except Unavailable as error:
            found[case] = str(error)
            continue
        maps[case] = explain(network, *runtime.put(network, images, targets))["heatmap"]
    np.savez(folder / "maps.npz", **maps)
    (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    # What the libraries warn of is silenced where it is known and nowhere else.
    warnings.simplefilter("error")
    main(sys.argv[1], Path(sys.argv[2]))
