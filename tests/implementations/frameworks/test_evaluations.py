from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from implementations.architecture import registered, weights
from implementations.frameworks import column
from implementations.frameworks.evaluations import count_evaluations


def test_evaluations_are_images_through_the_forward_pass() -> None:
    pytest.importorskip("torch")
    from implementations.frameworks.pytorch import runtime

    architecture = registered.get("cnn-32-16", (8, 8, 1), 3)
    network = runtime.build(architecture, weights.randomise(architecture, 0), "cpu", "float32")
    images = runtime.put(network, np.zeros((5, 8, 8, 1), np.float32))
    with count_evaluations(network) as evaluations:
        network(images)
        network(images[:2])
    network(images)
    assert evaluations.images == 7


KERAS = """
import keras
import numpy as np
from implementations.architecture import registered, weights
from implementations.frameworks import load
from implementations.frameworks.evaluations import count_evaluations

framework, architecture = load("keras"), registered.get("cnn-32-16", (8, 8, 1), 3)
network = framework.build(architecture, weights.randomise(architecture, 0), "cpu", "float32")
images = framework.put(network, np.zeros((5, 8, 8, 1), np.float32))
layer = network.model.get_layer("relu2")
own = keras.Model(network.model.inputs, [layer.output, network.model.outputs[0]])
before_the_logits = keras.Model(network.model.inputs, layer.output)
with count_evaluations(network) as evaluations:
    network(images)
    own(images[:2])
    network.head("relu2", *network.features("relu2", images[:1]))
    before_the_logits(images)
network(images)
assert evaluations.images == 5 + 2 + 1, evaluations.images
"""


def test_evaluations_are_counted_in_keras() -> None:
    """In the network itself and in any other model of its layers."""
    keras = column("keras")
    if keras.missing:
        pytest.skip(keras.missing)
    environment = {
        **os.environ,
        "KERAS_BACKEND": keras.backend,
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, "-c", KERAS]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
