"""Run by the tests of PAIR's saliency, a process a column: its offers on a small network.

Arguments: framework, and where to write an .npz of maps by offer.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
from pytorch_maps import IMAGES, TARGETS, architecture, weights_of

from implementations import frameworks, libraries

ASKED: dict[str, dict[str, str]] = {
    "gradient_saliency": {},
    "smooth_grad": {"nsamples": "2"},
    "smooth_grad_squared": {"nsamples": "2"},
    "integrated_gradients": {"batch_size": "25"},
    "guided_ig": {"x_steps": "5"},
    "blur_ig": {"steps": "5", "batch_size": "5"},
    "grad_cam": {},
    "occlusion": {"size": "13"},
}


def main(name: str, path: Path) -> None:
    framework, small = frameworks.load(name), architecture()
    network = framework.build(small, weights_of(small), "cpu", "float32")
    placed, found = framework.put(network, IMAGES[:1], TARGETS[:1]), {}
    for offer, given in ASKED.items():
        method = libraries.load("saliency").method(offer)
        layer = method.layer(small, None)
        resolved = method.resolve(given, "probability" if offer == "occlusion" else "")
        call = method.bind(name, framework, network, layer, resolved, ("heatmap",))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found[offer] = call(*placed)["heatmap"]
    np.savez(path, **found)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
