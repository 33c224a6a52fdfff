from __future__ import annotations

import numpy as np
import pytest

from implementations.architecture import registered, weights
from implementations.errors import BadInput, Unavailable
from implementations.frameworks.pytorch.memory_format import lay_out
from implementations.oracle import runtime

SMALL = registered.get("cnn-gap", (6, 6, 1))


def test_kernels_and_images_lie_as_asked_even_with_one_channel() -> None:
    torch = pytest.importorskip("torch")
    from implementations.frameworks.pytorch import runtime

    network = runtime.build(SMALL, weights.randomise(SMALL, 0), "cpu", "float32")
    images = np.random.default_rng(0).random((3, 6, 6, 1), np.float32)
    assert runtime.put(network, images).stride() == (36, 1, 6, 1)
    logits = network(runtime.put(network, images))
    kernels = [p for p in network.parameters() if p.dim() == 4]
    assert lay_out(network, "contiguous") is network
    assert kernels and all(kernel.is_contiguous() for kernel in kernels)
    again = runtime.put(network, images)
    assert again.stride() == (36, 36, 6, 1)
    assert torch.allclose(network(again), logits, rtol=1e-5, atol=1e-6)
    lay_out(network, "channels_last")
    assert all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)
    with pytest.raises(BadInput, match="memory format"):
        lay_out(network, "channels_frist")


def test_a_network_that_has_one_format_is_not_to_be_had_in_another() -> None:
    network = runtime.build(SMALL, weights.randomise(SMALL, 0))
    with pytest.raises(Unavailable, match="one memory format"):
        lay_out(network, "contiguous")
