"""A column's own process: a network trained here, exported by the framework's own exporter.

    python round_trip.py FRAMEWORK BACKEND FOLDER

writes `m.onnx`, and `trained.safetensors` with the architecture in its metadata.
"""

import json
import sys
from pathlib import Path

import numpy as np

from implementations import frameworks
from implementations.architecture import weights
from implementations.architecture.graph import document, parse
from implementations.architecture.recipes import Recipe
from implementations.architecture.weights import initialise

CONV = {"kind": "conv", "filters": 4, "kernel": 3}
NODES = [
    {**CONV, "padding": "same"},
    {"kind": "relu"},
    {"kind": "max_pool", "size": 2, "stride": 2},
    # What is not square, so that no two axes can be taken for each other.
    {**CONV, "filters": 6, "padding": "valid", "kernel": [3, 2]},
    {"kind": "relu"},
    {"kind": "flatten"},
    {"kind": "dense", "units": 5},
    {"kind": "relu"},
    {"kind": "dense", "units": 3},
]
KEPT_NORM = {"kind": "batch_norm", "epsilon": 1e-5, "momentum": 0.9}
"""In frameworks whose exporters can be told to keep norms as they are."""


def architecture(norm):
    nodes = NODES[:1] + [KEPT_NORM] * norm + NODES[1:]
    named = [
        {"name": f"n{place}", "inputs": [f"n{place - 1}" if place else "input"], **node}
        for place, node in enumerate(nodes)
    ]
    return parse({"name": "t", "input_shape": [10, 8, 2], "classes": 3, "nodes": named}, "t")


def pytorch(network, path):
    import torch

    network.eval()
    torch.onnx.export(
        network, (torch.zeros(1, 2, 10, 8),), path, dynamo=False, do_constant_folding=False,
        training=torch.onnx.TrainingMode.PRESERVE, input_names=["images"],
        output_names=["logits"], dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
    )  # fmt: skip


def keras(network, path):
    import keras as library

    given = library.InputSpec(shape=(None, 10, 8, 2), dtype="float32")
    network.model.export(path, format="onnx", input_signature=[given], verbose=False)


def jax(network, path):
    import jax2onnx

    network.eval()
    jax2onnx.to_onnx(network, [("B", 10, 8, 2)], return_mode="file", output_path=path)


def main(framework, backend, folder):
    graph = architecture(norm=framework != "keras")
    draw = np.random.default_rng(0)
    images = draw.random((32, 10, 8, 2), np.float32)
    labels = draw.integers(0, 3, 32).astype(np.int32)
    runtime = frameworks.load(framework)
    network = runtime.build(graph, initialise(graph, 0), "cpu", "float32")
    make = frameworks.trainers(framework)
    trainer = make(network, Recipe(batch=8), "native", images, labels, 0, "eager")
    trainer.epoch(np.arange(32), 8)
    trained = trainer.weights()
    about = {"document": json.dumps(document(graph)), "backend": backend}
    weights.save(Path(folder) / "trained.safetensors", trained, about)
    again = runtime.build(graph, trained, "cpu", "float32")
    {"pytorch": pytorch, "keras": keras, "jax": jax}[framework](again, f"{folder}/m.onnx")


if __name__ == "__main__":
    main(*sys.argv[1:])
