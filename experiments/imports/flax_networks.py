"""Small networks as a user of Flax NNX writes them."""

from __future__ import annotations

from typing import Any

import jax
from flax import nnx


class CNN(nnx.Module):
    """Two convolutions with pools, two dense layers."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(3, 16, (3, 3), rngs=rngs)
        self.conv2 = nnx.Conv(16, 32, (3, 3), rngs=rngs)
        self.linear1 = nnx.Linear(32 * 16 * 16, 64, rngs=rngs)
        self.linear2 = nnx.Linear(64, 10, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        """Logits of (N, 64, 64, 3)."""
        x = nnx.avg_pool(nnx.relu(self.conv1(x)), window_shape=(2, 2), strides=(2, 2))
        x = nnx.max_pool(nnx.relu(self.conv2(x)), window_shape=(2, 2), strides=(2, 2))
        x = x.reshape(x.shape[0], -1)
        return self.linear2(nnx.relu(self.linear1(x)))


class Block(nnx.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, read: int, width: int, stride: int, rngs: nnx.Rngs) -> None:
        bare = {"use_bias": False, "rngs": rngs}
        self.conv1 = nnx.Conv(read, width, (3, 3), strides=stride, **bare)
        self.norm1 = nnx.BatchNorm(width, rngs=rngs)
        self.conv2 = nnx.Conv(width, width, (3, 3), **bare)
        self.norm2 = nnx.BatchNorm(width, rngs=rngs)
        self.shortcut = nnx.Conv(read, width, (1, 1), strides=stride, **bare)

    def __call__(self, x: Any) -> Any:
        """The sum."""
        y = nnx.relu(self.norm1(self.conv1(x)))
        return nnx.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class ResNet(nnx.Module):
    """Three blocks, the mean, a dense layer."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        widths = ((3, 16, 1), (16, 32, 2), (32, 64, 2))
        self.blocks = nnx.List([Block(*each, rngs=rngs) for each in widths])
        self.linear = nnx.Linear(64, 10, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        """Logits of (N, H, W, 3)."""
        for block in self.blocks:
            x = block(x)
        return self.linear(x.mean(axis=(1, 2)))


def make(name: str) -> nnx.Module:
    """One of them, its norms' statistics those of random images."""
    model = {"cnn": CNN, "resnet": ResNet}[name](nnx.Rngs(0))
    model.train()
    for _ in range(50):
        model(jax.random.uniform(jax.random.key(0), (4, 64, 64, 3)))
    model.eval()
    return model
