"""How networks want their images, by name: a node that does it, put before one that has none."""

from __future__ import annotations

from typing import Any

from implementations.architecture import graph, registered
from implementations.architecture.graph import Architecture
from implementations.errors import BadInput, unknown

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and deviation of images in [0, 1], red first."""
CAFFE = (123.68, 116.779, 103.939)
"""Mean of images of 0 to 255, red first."""
COLOURS = 3
NODE = "scaling"


def settings(name: str, channels: int) -> dict[str, Any]:
    """Of a `normalise` node for images in [0, 1] of so many channels. Raises BadInput."""
    every = {
        "255": {"mean": [0.0] * channels, "deviation": [1 / 255] * channels},
        "symmetric": {"mean": [0.5] * channels, "deviation": [0.5] * channels},
    }
    coloured: dict[str, dict[str, Any]] = {
        "imagenet": {"mean": [*IMAGENET[0]], "deviation": [*IMAGENET[1]]},
        "caffe": {
            "order": [2, 1, 0], "mean": [value / 255 for value in CAFFE[::-1]],
            "deviation": [1 / 255] * COLOURS,
        },
    }  # fmt: skip
    if name in coloured and channels != COLOURS:
        raise BadInput(f"--scaling {name} is of {COLOURS} colours; these images have {channels}")
    return {**every, **coloured}[name]


def scaling(name: str) -> str:
    """The name, checked. Raises BadInput."""
    known = ("255", "caffe", "imagenet", "symmetric")
    if name not in known:
        raise BadInput(unknown("scaling", name, known))
    return name


def scaled(architecture: Architecture, name: str) -> Architecture:
    """The network with that scaling of images in [0, 1] before it. Raises BadInput if it has one.

    Weights stay as they are: the node has none.
    """
    form = graph.document(architecture)
    own = [node["name"] for node in form["nodes"] if node["kind"] == "normalise"]
    if own:
        raise BadInput(f"the network scales images itself, in node {own[0]}; omit --scaling")
    first = {
        "name": NODE, "kind": "normalise", "inputs": ["input"],
        **settings(name, architecture.input_shape[-1]),
    }  # fmt: skip
    nodes = [
        {**node, "inputs": [NODE if read == "input" else read for read in node["inputs"]]}
        for node in form["nodes"]
    ]
    return graph.parse({**form, "nodes": [first, *nodes]}, architecture.name)


def take(known: str, by: str) -> str:
    """The name of that network with a scaling of the images before it. Raises BadInput.

    Of a user's, or of a registered one with an input shape of its own.
    """
    if not registered.forms([known]) and not registered.fixed(known):
        told = "--scaling is of networks of one size: of files and folders, not of"
        raise BadInput(f"{told} {known}")
    name = f"{known}-{by}"
    registered.include({name: graph.document(scaled(registered.get(known), by))})
    return name
