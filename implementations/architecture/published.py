"""Networks that people use, as graphs: 224 x 224 x 3 in, 1000 classes out.

Those of torchvision come without weights (`randomise` makes some, the same for a seed anywhere)
and without standardisation; EfficientNet-Lite0 has both, `pretrained` reads its weights. No command
takes them unasked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Nodes = list[dict[str, Any]]
SHORT = {
    "max_pool": "pool", "batch_norm": "norm", "global_average_pool": "gap", "relu6": "relu",
    "layer_norm": "norm",
}  # fmt: skip
INPUT_SHAPE, CLASSES = (224, 224, 3), 1000


class _Graph:
    """Nodes one after another, named by kind and order."""

    def __init__(self) -> None:
        self.nodes: Nodes = []
        self.counts: dict[str, int] = {}
        self.last = "input"

    def add(self, kind: str, *inputs: str, **settings: Any) -> str:
        """A node that reads the one before, unless it is told what; its name."""
        short = SHORT.get(kind, kind)
        self.counts[short] = self.counts.get(short, 0) + 1
        name = f"{short}{self.counts[short]}"
        read = list(inputs) or [self.last]
        self.nodes.append({"name": name, "kind": kind, "inputs": read, **settings})
        self.last = name
        return name

    def conv(
        self, filters: int, kernel: int, *inputs: str, stride: int = 1, groups: int = 1,
        norm: bool = True, act: str = "relu", padding: int | str | None = None,
        epsilon: float = 1e-5,
    ) -> str:  # fmt: skip
        """A convolution padded by half its kernel, its norm and its activation."""
        self.add(
            "conv", *inputs, filters=filters, kernel=kernel, stride=stride, groups=groups,
            padding=kernel // 2 if padding is None else padding, bias=not norm,
        )  # fmt: skip
        if norm:
            self.norm(epsilon)
        return self.add(act) if act else self.last

    def norm(self, epsilon: float = 1e-5) -> str:
        """Batch norm with PyTorch's own settings."""
        return self.add("batch_norm", epsilon=epsilon, momentum=0.9)

    def head(self, classes: int) -> Nodes:
        """The mean of each channel, and the classes."""
        self.add("global_average_pool")
        self.add("dense", units=classes)
        return self.nodes


def _resnet(blocks: tuple[int, ...], bottleneck: bool) -> Callable[[int], Nodes]:
    """He et al. 2015, arXiv 1512.03385; the stride is in the 3 x 3 convolution, as torchvision."""

    def nodes(classes: int) -> Nodes:
        graph = _Graph()
        graph.conv(64, 7, stride=2)
        graph.add("max_pool", size=3, stride=2, padding=1)
        wide, read = 4 if bottleneck else 1, 64
        for stage, count in enumerate(blocks):
            width = 64 << stage
            for block in range(count):
                source = graph.last
                stride = 2 if stage and not block else 1
                if bottleneck:
                    graph.conv(width, 1)
                    graph.conv(width, 3, stride=stride)
                    out = graph.conv(4 * width, 1, act="")
                else:
                    graph.conv(width, 3, stride=stride)
                    out = graph.conv(width, 3, act="")
                if stride != 1 or read != wide * width:
                    source = graph.conv(wide * width, 1, source, stride=stride, act="")
                graph.add("add", out, source)
                graph.add("relu")
                read = wide * width
        return graph.head(classes)

    return nodes


def _vgg(blocks: tuple[int, ...]) -> Callable[[int], Nodes]:
    """Simonyan & Zisserman 2014, arXiv 1409.1556, without norms."""

    def nodes(classes: int) -> Nodes:
        graph = _Graph()
        for block, count in enumerate(blocks):
            for _ in range(count):
                graph.conv(min(64 << block, 512), 3, norm=False)
            graph.add("max_pool", size=2, stride=2)
        graph.add("flatten")
        for _ in range(2):
            graph.add("dense", units=4096)
            graph.add("relu")
            graph.add("dropout", rate=0.5)
        graph.add("dense", units=classes)
        return graph.nodes

    return nodes


def _mobilenet_v2(classes: int) -> Nodes:
    """Sandler et al. 2018, arXiv 1801.04381."""
    graph = _Graph()
    graph.conv(32, 3, stride=2, act="relu6")
    read = 32
    table = (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
        (6, 320, 1, 1),
    )  # fmt: skip
    for expansion, width, count, first in table:
        for block in range(count):
            source, stride = graph.last, first if not block else 1
            hidden = read * expansion
            if expansion != 1:
                graph.conv(hidden, 1, act="relu6")
            graph.conv(hidden, 3, stride=stride, groups=hidden, act="relu6")
            out = graph.conv(width, 1, act="")
            if stride == 1 and read == width:
                graph.add("add", out, source)
            read = width
    graph.conv(1280, 1, act="relu6")
    graph.add("global_average_pool")
    graph.add("dropout", rate=0.2)
    graph.add("dense", units=classes)
    return graph.nodes


def _densenet121(classes: int) -> Nodes:
    """Huang et al. 2016, arXiv 1608.06993: every layer reads all before it in its block."""
    graph = _Graph()
    graph.conv(64, 7, stride=2)
    graph.add("max_pool", size=3, stride=2, padding=1)
    width = 64
    for number, count in enumerate((6, 12, 24, 16)):
        for _ in range(count):
            source = graph.last
            graph.norm()
            graph.add("relu")
            graph.conv(128, 1)
            new = graph.add("conv", filters=32, kernel=3, padding=1, bias=False)
            graph.add("concat", source, new)
            width += 32
        graph.norm()
        graph.add("relu")
        if number < 3:
            width //= 2
            graph.add("conv", filters=width, kernel=1, padding="valid", bias=False)
            graph.add("average_pool", size=2, stride=2)
    return graph.head(classes)


def _efficientnet_lite0(classes: int) -> Nodes:
    """Liu 2020, EfficientNet-Lite: B0 of Tan & Le 2019, arXiv 1905.11946, without its gates.

    Images are scaled as it was trained: less 127, by 128, of 0..255. Padding is TensorFlow's.
    """
    graph = _Graph()
    graph.add("normalise", mean=[127 / 255] * 3, deviation=[128 / 255] * 3)
    own: dict[str, Any] = {"padding": "same", "epsilon": 1e-3}
    graph.conv(32, 3, stride=2, act="relu6", **own)
    read = 32
    table = (
        (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5),
        (6, 192, 4, 2, 5), (6, 320, 1, 1, 3),
    )  # fmt: skip
    for expansion, width, count, first, kernel in table:
        for block in range(count):
            source, stride = graph.last, 1 if block else first
            hidden = read * expansion
            if expansion != 1:
                graph.conv(hidden, 1, act="relu6", **own)
            graph.conv(hidden, kernel, stride=stride, groups=hidden, act="relu6", **own)
            out = graph.conv(width, 1, act="", **own)
            if stride == 1 and read == width:
                graph.add("add", out, source)
            read = width
    graph.conv(1280, 1, act="relu6", **own)
    graph.add("global_average_pool")
    graph.add("dropout", rate=0.2)
    graph.add("dense", units=classes)
    return graph.nodes


def _convnext_tiny(classes: int) -> Nodes:
    """Liu et al. 2022, arXiv 2201.03545; the scale of a branch is a convolution of 1 x 1."""
    graph = _Graph()
    for stage, (width, count) in enumerate(zip((96, 192, 384, 768), (3, 3, 9, 3), strict=True)):
        size = 2 if stage else 4
        if stage:
            graph.add("layer_norm")
        graph.conv(width, size, stride=size, norm=False, act="", padding="valid")
        if not stage:
            graph.add("layer_norm")
        for _ in range(count):
            source = graph.last
            graph.conv(width, 7, groups=width, norm=False, act="")
            graph.add("layer_norm")
            graph.conv(4 * width, 1, norm=False, act="gelu")
            graph.conv(width, 1, norm=False, act="")
            scaled = graph.add("conv", filters=width, kernel=1, groups=width, bias=False)
            graph.add("add", scaled, source)
    graph.add("global_average_pool")
    graph.add("layer_norm")
    graph.add("dense", units=classes)
    return graph.nodes


BUILDERS: dict[str, Callable[[int], Nodes]] = {
    "resnet-18": _resnet((2, 2, 2, 2), False),
    "resnet-34": _resnet((3, 4, 6, 3), False),
    "resnet-50": _resnet((3, 4, 6, 3), True),
    "vgg-16": _vgg((2, 2, 3, 3, 3)),
    "vgg-19": _vgg((2, 2, 4, 4, 4)),
    "mobilenet-v2": _mobilenet_v2,
    "densenet-121": _densenet121,
    "efficientnet-lite0": _efficientnet_lite0,
    "convnext-tiny": _convnext_tiny,
}
"""Name -> the nodes of so many classes."""
