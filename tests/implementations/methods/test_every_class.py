"""Every class in one call is one class after another: all columns are held to this."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations import methods
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.errors import Unavailable
from implementations.methods.card import Cost
from implementations.oracle import runtime

ARCHITECTURE = get("cnn-gap", (12, 10, 3), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 6))
IMAGES = np.random.default_rng(5).random((2, 12, 10, 3))
EITHER = [
    name for name in methods.names() if methods.load(name).card.classes in ("pulled", "scored")
]
FEW = {"samples": "4", "masks": "3", "permutations": "1", "grid": "2", "window": "6", "stride": "6"}


@pytest.mark.parametrize("name", EITHER)
def test_its_maps_are_those_of_one_class_after_another(name: str) -> None:
    few = {option: FEW[option] for option in methods.load(name).options if option in FEW}
    if name == "kernel_shap":
        few["samples"] = "16"  # of 4 cells all subsets are taken
    if name == "lime":
        few["alpha"] = "2"
    named = f"{name}[targets=all]"
    every = explained(named, NETWORK, IMAGES, np.array([0, 0]), **few)
    for k in range(ARCHITECTURE.classes):
        one = explained(name, NETWORK, IMAGES, np.array([k, k]), **few)
        for stage in ("signed", "heatmap"):
            np.testing.assert_array_equal(every[stage][..., k], one[stage])
    assert not np.allclose(every["heatmap"][..., 0], every["heatmap"][..., 1])


def test_what_they_cost_and_are_called() -> None:
    for name, cost in {"hires_cam": Cost(1, 4), "score_cam": Cost(129), "cam": Cost(1)}.items():
        method = methods.load(f"{name}[targets=all]")
        layer = method.layer(ARCHITECTURE, None)
        assert method.every_class and not methods.load(name).every_class
        assert method.cost(method.resolve({}), ARCHITECTURE, layer) == cost
    assert "targets" not in methods.load("eigen_cam").options


def test_a_column_that_has_them_not_still_has_one_class() -> None:
    card = methods.load("occlusion")
    served = card.builder("onnxruntime")
    options = card.resolve({"targets": "all"})
    with pytest.raises(Unavailable, match="not written for onnxruntime"):
        served(None, "", options, lambda function: function)
