"""Networks for the oracle's tests, and definitions to hold it against, written out in loops."""

from __future__ import annotations

import numpy as np
import pytest

from implementations.architecture import weights
from implementations.architecture.graph import parse
from implementations.oracle import runtime


def network_of(nodes, shape=(5, 7, 4), classes=3, seed=0):
    """A chain of nodes (each reads the one before unless it says otherwise), random weights."""
    named = []
    for position, node in enumerate(nodes):
        before = named[-1]["name"] if named else "input"
        named.append({"name": f"node{position}", "inputs": [before], **node})
    form = {"name": "test", "input_shape": list(shape), "classes": classes, "nodes": named}
    architecture = parse(form, "test")
    return runtime.build(architecture, weights.randomise(architecture, seed))


def differences(function, place, step):
    """Central differences of a per-image function at one image, (1, ...), all in one batch."""
    steps = step * np.eye(place.size).reshape(-1, *place.shape[1:])
    slopes = (function(place + steps) - function(place - steps)) / (2 * step)
    return slopes.reshape(place.shape)


def loop_conv(images, kernel, stride, dilation, pads, groups):
    """The definition of a convolution, one multiplication at a time."""
    images = np.pad(images, ((0, 0), *pads, (0, 0)))
    kh, kw, ci, filters = kernel.shape
    rows = (images.shape[1] - (kh - 1) * dilation - 1) // stride + 1
    columns = (images.shape[2] - (kw - 1) * dilation - 1) // stride + 1
    output = np.zeros((len(images), rows, columns, filters))
    for n, y, x, f in np.ndindex(*output.shape):
        first = f // (filters // groups) * ci
        for i, j, c in np.ndindex(kh, kw, ci):
            pixel = images[n, y * stride + i * dilation, x * stride + j * dilation, first + c]
            output[n, y, x, f] += pixel * kernel[i, j, c, f]
    return output


@pytest.fixture
def chain():
    return network_of


@pytest.fixture
def central_differences():
    return differences


@pytest.fixture
def convolution():
    return loop_conv
