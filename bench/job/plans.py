"""Which networks a command takes: the data sets, their architectures, and who trains them."""

from __future__ import annotations

from dataclasses import replace

from bench.stages import shap
from bench.subject.inputs import convolves, shared_weights
from bench.subject.networks import Network
from bench.subject.request import Request
from implementations.architecture import pretrained, registered
from implementations.errors import BadInput

EMBEDDED = ("digits", "shapes")
"""The data sets that need no download."""
PLANS: dict[str, dict[str, str]] = {
    "digits": {"cnn-32-16-8": "all", "cnn-gap": "pytorch"},
    "shapes": {"cnn-32-16-8": "jax", "cnn-gap": "pytorch"},
    "fashion_mnist": {
        "cnn-32-16-8": "all", "cnn-48-32-16": "all", "cnn-32-16": "pytorch", "cnn-gap": "pytorch",
    },
    "mnist": {"cnn-pool-dropout": "all", "cnn-32-64-128": "pytorch", "mlp-512-100": "pytorch"},
    "cifar10": {"cnn-pool-dropout": "pytorch"},
    "photographs": {pretrained.SQUEEZENET: "given"},
}  # fmt: skip
"""Data set -> its networks, and who trains each: `all` columns, one for all, or `given`."""
ALONE = ("conform",)
"""Stages that have networks of their own."""
TIMED = ("cnn-48-32-16", "cnn-32-16-8", "cnn-gap", "cnn-pool-dropout")
"""The architectures that `time` takes unasked, on the swept data set; the first is the base."""
SWEPT = "digits"
"""The data set on which `sweep` takes every architecture that has a convolution."""


def planned(stage: str, request: Request) -> list[Network]:
    """The networks of what was asked: those planned, or those named. Raises BadInput for none.

    A stage that has networks of its own takes none but those that come with their weights.

    `contrast` and `judge` are of heatmaps beside Grad-CAM's: not of what has no convolution.
    """
    if stage in ALONE:
        bare = [each for each in request.architectures if not registered.own_weights(each)]
        named = (*request.datasets, *bare)
        if named:
            raise BadInput(
                f"`{stage}` is of networks and images of its own, not of {named[-1]}; "
                "--network FOLDER is a network of yours with its weights"
            )
        return []
    if stage == "sweep" and not request.datasets:
        return everything(request)
    if stage == "shap" and not request.datasets:
        dataset, architecture = shap.NETWORK
        named = request.architectures or (architecture,)
        return planned(stage, replace(request, datasets=(dataset,), architectures=named))
    if stage == "time" and not request.datasets:
        timed = replace(
            request, architectures=request.architectures or (*TIMED, pretrained.SQUEEZENET)
        )
        return everything(timed)
    found = []
    for dataset in request.datasets or EMBEDDED:
        plan = PLANS.get(dataset, {})
        for architecture in request.architectures or tuple(plan):
            large = registered.fixed(architecture) and not trainable(dataset)
            if registered.own_weights(architecture) or large:
                found.append(Network(dataset, architecture, "given"))
            elif architecture in plan or (len(request.datasets) == 1 and trainable(dataset)):
                found.append(Network(dataset, architecture, plan.get(architecture, "all")))
    if not found:
        raise BadInput(_unplanned(request))
    if stage in ("contrast", "judge"):
        found = [network for network in found if convolves(registered.get(network.architecture))]
        if not found:
            raise BadInput(_flat(request))
    return found


def trainable(dataset: str) -> bool:
    """Whether it has training images; else its network comes trained."""
    return "given" not in PLANS.get(dataset, {}).values()


def _unplanned(request: Request) -> str:
    if not request.architectures:
        return f"nothing is planned for {', '.join(request.datasets)}; name --architectures"
    elsewhere = [name for name, plan in PLANS.items() if plan.keys() & set(request.architectures)]
    known = f" (planned: {', '.join(elsewhere)})" if elsewhere else ""
    what = f"{', '.join(request.architectures)} on {' or '.join(request.datasets or EMBEDDED)}"
    return f"nothing is planned for {what}; name one --dataset{known}"


def everything(request: Request) -> list[Network]:
    """Every architecture with a convolution; one column trains those without weights.

    A pretrained one comes with its own images, where its weights are on this machine. Raises
    BadInput where that leaves none.
    """
    found = []
    for name in request.architectures or registered.names():
        if registered.fixed(name):
            # Whoever names one that nobody has weights of times it with random ones.
            there = shared_weights("photographs", name, request.results).exists()
            if there or (request.architectures and name not in pretrained.FILES):
                found.append(Network("photographs", name, "given" if there else "all"))
        elif convolves(registered.get(name)):
            there = shared_weights(SWEPT, name, request.results).exists()
            found.append(Network(SWEPT, name, "given" if there else "pytorch"))
    if not found:
        absent = [name for name in request.architectures if name in pretrained.FILES]
        raise BadInput(
            _nothing(request, source("photographs", absent[0])) if absent else _flat(request)
        )
    return found


def _flat(request: Request) -> str:
    return _nothing(request, f"no convolution in {', '.join(request.architectures)}")


def _nothing(request: Request, reason: str) -> str:
    return f"nothing to do for {', '.join(request.architectures)}: {reason}"


def source(dataset: str, architecture: str) -> str:
    """What to do for the weights that all columns are given."""
    if registered.fixed(architecture) and architecture not in pretrained.FILES:
        return f"{architecture} comes untrained; import one that is trained: docs/import.md"
    if architecture in pretrained.FILES:
        return pretrained.how_to_get(architecture)
    asked = f"--dataset {dataset} --architectures {registered.typed(architecture)} --stages train"
    return f"run `python -m bench compare {asked}` once"
