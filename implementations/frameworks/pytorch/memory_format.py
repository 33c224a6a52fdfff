"""Memory formats: how images lie in memory, where a framework leaves that to the user.

PyTorch's tensors are NCHW in shape whatever the format. Its networks here are in the one that an
expert would choose for the device (`network.layout`); this puts one into the other. Keras and JAX
have their channels last in shape already.
"""

from __future__ import annotations

from typing import Any

from implementations.contract import Network
from implementations.errors import BadInput, Unavailable, unknown

FORMATS = ("channels_last", "contiguous")


def lay_out(network: Network, memory_format: str) -> Network:
    """The network with its kernels, and from now on its images, in one of the `FORMATS`.

    Raises BadInput for another, Unavailable for a network that has one format only.
    """
    if memory_format not in FORMATS:
        raise BadInput(unknown("memory format", memory_format, FORMATS))
    module: Any = network
    if not hasattr(module, "layout"):
        raise Unavailable("this network has one memory format")
    import torch

    formats = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
    module.layout = memory_format
    module.to(memory_format=formats[memory_format])
    return network
