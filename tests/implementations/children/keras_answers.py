"""What Keras answers on one backend: `keras_answers.py BACKEND OUT.npz` writes it as arrays."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture import graph, registered
from implementations.architecture.graph import Architecture
from implementations.architecture.recipes import Recipe
from implementations.architecture.weights import initialise, randomise
from implementations.contract import SCORES
from implementations.errors import BadInput
from implementations.methods import load

GRAD_CAM = load("grad_cam")
STAGES = ("activations", "gradients", "weights", "signed", "heatmap")
MODES = {
    "tensorflow": ("eager", "compiled", "xla"),
    "jax": ("eager", "compiled"),
    "torch": ("eager", "compiled"),
}
# Compiling is slow with XLA and slower with Inductor: there one network stands for all.
BRIEF = {"tensorflow": ("eager", "compiled"), "jax": ("eager", "compiled"), "torch": ("eager",)}
EVERY_KIND = [
    {
        "name": "normalise1", "kind": "normalise", "inputs": "input",
        "order": [2, 0, 1], "mean": [0.4, 0.5, 0.6], "deviation": [0.2, 0.3, 0.4],
    },
    {
        "name": "conv1", "kind": "conv", "inputs": "normalise1", "filters": 4, "kernel": 3,
        "stride": 2, "padding": "same", "bias": False,
    },
    {"name": "norm1", "kind": "batch_norm", "inputs": "conv1"},
    {"name": "relu1", "kind": "relu", "inputs": "norm1"},
    {"name": "conv2", "kind": "conv", "inputs": "relu1", "filters": 4, "kernel": 3, "groups": 2},
    {"name": "relu2", "kind": "relu6", "inputs": "conv2"},
    {"name": "add1", "kind": "add", "inputs": ["relu1", "relu2"]},
    {
        "name": "pool1", "kind": "max_pool", "inputs": "add1", "size": 3, "stride": 2,
        "padding": [[1, 0], [0, 0]], "rounding": "ceil",
    },
    {
        "name": "mean1", "kind": "average_pool", "inputs": "add1", "size": [3, 2], "stride": 2,
        "padding": [[1, 0], [0, 1]], "rounding": "ceil",
    },
    {
        "name": "mean2", "kind": "average_pool", "inputs": "add1", "size": 3, "stride": 2,
        "padding": "same", "count_padding": True,
    },
    {"name": "pool2", "kind": "max_pool", "inputs": "add1", "size": 3, "stride": 2,
     "padding": "same"},
    {"name": "concat1", "kind": "concat", "inputs": ["pool1", "mean1", "mean2", "pool2"]},
    {"name": "pad1", "kind": "pad", "inputs": "concat1", "spatial": [[1, 0], [0, 2]],
     "channels": [1, 1]},
    {
        "name": "conv3", "kind": "conv", "inputs": "pad1", "filters": 6, "kernel": 3,
        "stride": 2, "dilation": 2, "padding": [[2, 1], [0, 3]],
    },
    {"name": "relu3", "kind": "relu", "inputs": "conv3"},
    {"name": "dropout1", "kind": "dropout", "inputs": "relu3", "rate": 0.5},
    {"name": "gap1", "kind": "global_average_pool", "inputs": "dropout1"},
    {"name": "dense1", "kind": "dense", "inputs": "gap1", "units": 5},
]  # fmt: skip
RECTIFIED = [
    {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 4, "kernel": 3},
    {"name": "relu1", "kind": "relu", "inputs": "conv1"},
    {"name": "conv2", "kind": "conv", "inputs": "relu1", "filters": 4, "kernel": 3},
    {"name": "relu2", "kind": "relu6", "inputs": "conv2"},
    {"name": "gap1", "kind": "global_average_pool", "inputs": "relu2"},
    {"name": "dense1", "kind": "dense", "inputs": "gap1", "units": 5},
]
DROPPING = [
    {"name": "conv1", "kind": "conv", "inputs": "input", "filters": 8, "kernel": 3},
    {"name": "norm1", "kind": "batch_norm", "inputs": "conv1"},
    {"name": "relu1", "kind": "relu", "inputs": "norm1"},
    {"name": "dropout1", "kind": "dropout", "inputs": "relu1", "rate": 0.5},
    {"name": "flatten1", "kind": "flatten", "inputs": "dropout1"},
    {"name": "dropout2", "kind": "dropout", "inputs": "flatten1", "rate": 0.25},
    {"name": "dense1", "kind": "dense", "inputs": "dropout2", "units": 10},
]
LOGITS = np.array([[40.0, -60, 3, 1], [-70, 25, 2, 20], [0.1, 0.2, -0.3, 0.4]], np.float32)
LOGIT_TARGETS = np.array([0, 0, 2], np.int32)
RECIPE = Recipe(batch=100, warm_up=1)
ORDER = np.random.default_rng(0).permutation(250)


def cases() -> dict[str, tuple[Architecture, str]]:
    form = {"input_shape": [13, 12, 3], "classes": 5, "nodes": EVERY_KIND}
    every = graph.parse(form, "every_kind")
    padded = registered.get("cnn-32-64-128", (8, 8, 1), 10)
    plain = registered.get("cnn-48-32-16", (9, 9, 1), 10)
    # At relu2 the head reads relu1 as well; `pool3` is a pool whose padding is not Keras'.
    return {"every": (every, "relu2"), "padded": (padded, "relu2"), "plain": (plain, "conv3")}


def rectified() -> Architecture:
    form = {"input_shape": [6, 5, 3], "classes": 5, "nodes": RECTIFIED}
    return graph.parse(form, "rectified")


def inputs(architecture: Architecture) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    images = np.random.default_rng(1).random((6, *architecture.input_shape), np.float32)
    return images, (np.arange(6) % architecture.classes).astype(np.int32)


def run(backend: str) -> dict[str, Any]:
    from implementations.frameworks.keras import runtime as framework

    found: dict[str, Any] = {"versions": sorted(framework.versions())}
    for precision in ("float32", "bfloat16", "float64", "tf32"):
        for mode in ("eager", "xla"):
            found[f"probe/{precision}/{mode}"] = framework.probe("cpu", precision, mode) or ""
    found["probe/gpu"] = framework.probe("gpu", "float32", "eager") or ""
    explained(framework, backend, found)
    small = np.array([[[1.0, 2], [3, 4]]], np.float32)
    with_targets(framework, found)
    for dtype in ("float32", "float64") if backend == "tensorflow" else ("float32",):
        import keras

        plain = cases()["plain"][0]
        network = framework.build(plain, randomise(plain, 0), "cpu", "float32")
        array = keras.ops.convert_to_tensor(small.astype(dtype))
        found[f"resize/{dtype}"] = framework.to_numpy(network.resize(array, (4, 4)))
    trained(framework, found)
    return found


def explained(framework: Any, backend: str, found: dict[str, Any]) -> None:
    for case, (architecture, layer) in cases().items():
        tensors = randomise(architecture, 0)
        for precision in ("float32", "float64") if backend == "tensorflow" else ("float32",):
            network = framework.build(architecture, tensors, "cpu", precision)
            for name, value in framework.weights(network).items():
                found[f"tensors/{case}/{precision}/{name}"] = value
            images, targets = framework.put(network, *inputs(architecture))
            found[f"{case}/{precision}/logits"] = framework.to_numpy(network(images))
            asked = GRAD_CAM.resolve({}, "probability")
            for mode in MODES[backend]:
                if case != "every" and mode not in BRIEF[backend]:
                    continue
                prepared = GRAD_CAM.bind("keras", framework, network, layer, asked, STAGES, mode)
                before = framework.compilations()
                stages = prepared(images, targets)
                framework.wait(stages)
                prepared(images, targets)
                found[f"compiled/{case}/{precision}/{mode}"] = framework.compilations() - before
                for stage, value in stages.items():
                    found[f"{case}/{precision}/{mode}/{stage}"] = framework.to_numpy(value)


def with_targets(framework: Any, found: dict[str, Any]) -> None:
    """Guided and deconvolution ReLUs, and scores where the softmax saturates."""
    import keras

    architecture = rectified()
    network = framework.build(architecture, randomise(architecture, 0), "cpu", "float32")
    images, targets = framework.put(network, *inputs(architecture))

    def builder(network: Any) -> Callable[[Any, Any, Any], dict[str, Any]]:
        ruled = {rule: network.with_relu(rule) for rule in ("guided", "deconvolution")}

        def explain(network: Any, images: Any, targets: Any) -> dict[str, Any]:
            def total(rule: str, images: Any) -> Any:
                logits = ruled[rule].head("input", images, {})
                return keras.ops.sum(ruled[rule].score("logit", logits, targets))

            return {
                rule: network.gradient(lambda images, rule=rule: total(rule, images))(images)
                for rule in ruled
            }

        return explain

    for mode in ("eager", "compiled"):
        run = framework.compiler(network, (), mode)(builder(network))
        for rule, value in run(network, images, targets).items():
            found[f"relu/{mode}/{rule}"] = framework.to_numpy(value)
    four = graph.parse(
        {
            "input_shape": [1, 1, 4],
            "classes": 4,
            "nodes": [{"name": "flatten1", "kind": "flatten", "inputs": "input"}],
        },
        "four",
    )
    scoring = framework.build(four, {}, "cpu", "float32")
    logits, chosen = framework.put(scoring, LOGITS, LOGIT_TARGETS)
    for name in SCORES:

        def total(logits: Any, name: str = name) -> Any:
            return keras.ops.sum(scoring.score(name, logits, chosen))

        found[f"score/{name}"] = framework.to_numpy(scoring.score(name, logits, chosen))
        found[f"score_gradient/{name}"] = framework.to_numpy(scoring.gradient(total)(logits))

    def unsplit(network: Any, images: Any, targets: Any) -> dict[str, Any]:
        return {"activations": network.features("conv1", images)[0]}

    try:
        framework.compiler(network, (), "compiled")(unsplit)(network, images, targets)
        found["unsplit"] = "nothing raised"
    except Exception as error:
        found["unsplit"] = str(error)
    conv = {"name": "pad", "kind": "conv", "inputs": "input", "filters": 2, "kernel": 3}
    nodes = [conv | {"padding": [[0, 1], [2, 0]]}, {"name": "pool", "inputs": "pad"}]
    nodes[1] |= {"kind": "global_average_pool"}
    keras.utils.clear_session()  # an operation's own name counts up from the first on
    padded = graph.parse({"input_shape": [5, 5, 1], "classes": 2, "nodes": nodes}, "padded")
    try:
        framework.build(padded, randomise(padded, 0), "cpu", "float32")
        found["taken"] = "nothing raised"
    except BadInput as error:
        found["taken"] = str(error)


def trained(framework: Any, found: dict[str, Any]) -> None:
    from sklearn.datasets import load_digits

    from implementations.frameworks.keras import training

    digits = load_digits()
    images = (digits.images[:250, :, :, None] / 16).astype(np.float32)
    labels = digits.target[:250].astype(np.int32)

    def make(architecture: Architecture, optimizer: str, mode: str, seed: int = 0) -> Any:
        network = framework.build(architecture, initialise(architecture, 0), "cpu", "float32")
        return training.trainer(network, RECIPE, optimizer, images, labels, seed, mode)

    plain = registered.get("cnn-32-16", (8, 8, 1), 10)
    dropping = graph.parse({"input_shape": [8, 8, 1], "classes": 10, "nodes": DROPPING}, "drops")
    for optimizer, mode in (("matched", "compiled"), ("sgd", "compiled"), ("matched", "eager")):
        trainer = make(plain, optimizer, mode)
        losses = [trainer.epoch(ORDER[:200], RECIPE.batch) for _ in range(4)]
        found[f"losses/{optimizer}/{mode}"] = np.concatenate(losses)
        for name, value in trainer.weights().items():
            found[f"trained/{optimizer}/{mode}/{name}"] = value
    trainer = make(dropping, "matched", "compiled")
    trainer.epoch(ORDER, RECIPE.batch)
    state = trainer.state()
    first = trainer.epoch(ORDER, RECIPE.batch)
    resumed = make(dropping, "matched", "compiled", seed=5)
    resumed.restore(state)
    found["resume/losses"] = np.stack([first, resumed.epoch(ORDER, RECIPE.batch)])
    after, again = trainer.state(), resumed.state()
    found["resume/equal"] = [name for name in after if not np.array_equal(after[name], again[name])]
    found["resume/names"] = sorted(after)
    try:
        make(dropping, "matched", "compiled").restore(trainer.weights())
        found["resume/missing"] = "nothing raised"
    except BadInput as error:
        found["resume/missing"] = str(error)


if __name__ == "__main__":
    np.savez(sys.argv[2], **run(sys.argv[1]))
