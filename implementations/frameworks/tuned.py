"""Mode `tuned`: compiled, and placed as an expert in the framework would place it.

On a CPU, XLA's convolutions leave cores idle. JAX, and Keras on JAX, may split the machine into as
many host devices as it has cores: with the weights on each and the batch sharded over them, the
compiler divides the work by itself, and no line of a method changes. The other frameworks use all
cores as they are, and the layout that was the faster (channels last in PyTorch) is theirs already.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from implementations.architecture.graph import Architecture
from implementations.arrays import Array, Draws, Images, Targets, Weights
from implementations.contract import Compile, Framework, Network
from implementations.errors import Unavailable
from implementations.frameworks import Column

COLUMNS = ("jax", "keras[jax]")
"""The columns that gain by it."""


def missing(column: Column, device: str) -> str | None:
    """Why this column has nothing to tune here, or None."""
    if column.label not in COLUMNS:
        return f"{column.label} has nothing to add to its compiled mode; {COLUMNS} have"
    if device != "cpu":
        return "sharding over host devices is for a CPU; a GPU is one device"
    return None


def environment(cores: int) -> dict[str, str]:
    """What must be set before the framework is imported: a host device for each core."""
    given = os.environ.get("XLA_FLAGS", "")
    return {"XLA_FLAGS": f"{given} --xla_force_host_platform_device_count={cores}".strip()}


class Tuned:
    """A framework whose networks lie on every host device and whose batches are spread over them.

    Everything else is the framework's own, as its module has it.
    """

    def __init__(self, framework: Framework, column: Column) -> None:
        self.framework, self.column = framework, column

    def __getattr__(self, name: str) -> Any:
        return getattr(self.framework, name)

    def probe(self, device: str, precision: str, mode: str) -> str | None:
        """Why this cannot be had here, or None when it can."""
        reason = missing(self.column, device)
        return reason or self.framework.probe(device, precision, "compiled")

    def build(
        self, architecture: Architecture, weights: Weights, device: str, precision: str
    ) -> Network:
        """The framework's network, its weights on every host device."""
        network = self.framework.build(architecture, weights, device, precision)
        placed: Network = _everywhere(network)
        return placed

    def put(self, network: Network, images: Images, targets: Targets | None = None) -> Any:
        """Images and targets (N, ...), an equal share of the batch on each host device."""
        return _spread(self.framework.put(network, images, targets))

    def place(self, network: Network, arrays: Draws) -> dict[str, Array]:
        """Arrays that all images meet, whole on every host device."""
        import jax

        placed: dict[str, Array] = jax.device_put(
            self.framework.place(network, arrays), _sharding()
        )
        return placed

    def compiler(self, network: Network, outputs: Sequence[str], mode: str) -> Compile:
        """Compiled; where the inputs lie is all that the compiler needs to be told."""
        return self.framework.compiler(network, outputs, "compiled")


def _sharding(*axes: str) -> Any:
    import jax
    import numpy as np
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    mesh = Mesh(np.array(jax.devices("cpu")), ("batch",))
    return NamedSharding(mesh, PartitionSpec(*axes))


def _everywhere(network: Any) -> Any:
    import jax

    if not hasattr(network, "model"):
        return jax.device_put(network, _sharding())
    for variable in network.model.variables:
        variable.assign(jax.device_put(variable.value, _sharding()))
    return network


def _spread(arrays: Any) -> Any:
    import jax

    shares, n = len(jax.devices("cpu")), len(jax.tree.leaves(arrays)[0])
    if n % shares:
        raise Unavailable(f"a batch of {n} cannot be shared by {shares} host devices")
    return jax.device_put(arrays, _sharding("batch"))
