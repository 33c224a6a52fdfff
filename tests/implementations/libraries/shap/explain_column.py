"""Run by the tests of SHAP, a process a column: what every explainer makes of a small network.

Arguments: framework, and where to write an .npz of maps by offer; reasons are written as text.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
from pytorch_maps import IMAGES, TARGETS, architecture, weights_of
from shap_cases import ASKED

from implementations import frameworks, libraries
from implementations.errors import Unavailable


def main(name: str, path: Path) -> None:
    framework, small = frameworks.load(name), architecture()
    network = framework.build(small, weights_of(small), "cpu", "float32")
    found = {}
    for offer, given in ASKED.items():
        method = libraries.load("shap").method(offer)
        try:
            call = method.bind(name, framework, network, "input", method.resolve(given))
        except Unavailable as error:
            found[offer] = np.array(str(error))
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found[offer] = call(*framework.put(network, IMAGES, TARGETS))["heatmap"]
    np.savez(path, **found)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
