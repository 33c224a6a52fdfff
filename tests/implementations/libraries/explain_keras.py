"""Run by the tests of Keras' libraries, a process a backend: every map of a library's Grad-CAM.

Arguments: library, and a folder with architecture.json, weights.safetensors, images.npy and
targets.npy. Writes there maps.npz, by `precision layer score option=value ...`, and
found.json: under the same names the images through the model, or why there is no map.
"""

from __future__ import annotations

import itertools
import json
import sys
import warnings
from pathlib import Path

import numpy as np

from implementations import libraries, methods
from implementations.architecture import graph
from implementations.architecture import weights as neutral
from implementations.errors import BadInput, Unavailable
from implementations.frameworks.evaluations import count_evaluations
from implementations.frameworks.keras import runtime
from implementations.frameworks.keras.backends import NAME
from implementations.methods.card import Flag

SCORES = ("logit", "probability")


def variants(method: methods.NamedMethod) -> list[dict[str, str]]:
    """Every combination of the method's flags."""
    flags = [name for name, option in method.options.items() if isinstance(option, Flag)]
    values = itertools.product(("true", "false"), repeat=len(flags))
    return [dict(zip(flags, given, strict=True)) for given in values]


def main(library: str, folder: Path) -> None:
    architecture = graph.read(folder / "architecture.json")
    weights = neutral.load(folder / "weights.safetensors")
    images, targets = np.load(folder / "images.npy"), np.load(folder / "targets.npy")
    method = libraries.load(library).method("grad_cam")
    precisions = ("float32", "float64") if NAME == "tensorflow" else ("float32",)
    maps, found = {}, {}
    for precision in precisions:
        network = runtime.build(architecture, weights, "cpu", precision)
        placed = runtime.put(network, images, targets)
        cases = itertools.product(graph.layers(architecture), SCORES, variants(method))
        for layer, score, given in cases:
            options = [f"{name}={value}" for name, value in given.items()]
            label = " ".join([precision, layer, score, *options])
            try:
                resolved = method.resolve(given, score)
                explain = method.builder("keras")(network, layer, resolved, lambda whole: whole)
            except (BadInput, Unavailable) as error:
                found[label] = str(error)
                continue
            with count_evaluations(network) as evaluations:
                maps[label] = explain(network, *placed)["heatmap"]
            found[label] = evaluations.images
    np.savez(folder / "maps.npz", **maps)
    (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    # What the libraries warn of is silenced where it is known and nowhere else.
    warnings.simplefilter("error")
    main(sys.argv[1], Path(sys.argv[2]))
