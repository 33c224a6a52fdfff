"""A file as an architecture with weights: every layout tried, tidied, checked, or refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from implementations.architecture.graph import MOST_VALUES, Architecture
from implementations.errors import BadInput, one_line
from implementations.importers.onnx import file as files
from implementations.importers.onnx import rules
from implementations.importers.onnx.axes import BATCH, CHANNELS, HEIGHT, WIDTH, whole
from implementations.importers.onnx.draft import Network, Refusal, small
from implementations.importers.onnx.file import OnnxFile
from implementations.importers.onnx.finish import behead, finished, two_classes
from implementations.importers.onnx.folding import most_bytes
from implementations.importers.onnx.rules.elementwise import affine
from implementations.importers.onnx.tidy import tidied
from implementations.importers.onnx.values import Value
from implementations.importers.onnx.walk import Walk, run

FREE = 9973
"""The size that a free batch has here: a prime, so that no other size is mistaken for it."""
LAYOUTS = {"NCHW": (1, 2, 3), "NHWC": (3, 1, 2)}
"""Layout -> the axes of channels, height and width."""
__all__ = ["Imported", "Wanted", "convert", "rules"]


@dataclass(frozen=True)
class Wanted:
    """What a user says of a file that it does not say itself.

    `mean` and `deviation` are of images in [0, 1], one number a channel; `scale` is what the
    largest value of an image stands for, 255 for a network of 0 to 255. `constants` is how many MiB
    of constants the file may compute, 0 for as many as are usual.
    """

    name: str = ""
    layout: str = ""
    size: tuple[int, ...] = ()
    output: str = ""
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    scale: float = 1.0
    constants: int = 0


@dataclass(frozen=True)
class Imported:
    """What a file became. `logits` is the file's name of them, `batch` None where it is free."""

    architecture: Architecture
    weights: dict[str, NDArray[Any]]
    notes: list[str]
    source: OnnxFile
    layout: str
    logits: str
    batch: int | None
    doubled: bool
    given: Wanted = field(default_factory=Wanted)


def convert(path: Path, wanted: Wanted) -> Imported:
    """An ONNX file as an architecture with weights, not yet checked. Raises BadInput in one line.

    The layout of the images is found by trying: the wrong one fails at the first convolution.
    """
    source = files.read(path)
    tried: list[tuple[int, str]] = []
    for layout in [wanted.layout] if wanted.layout else _likely(source):
        walk: list[Walk] = []
        try:
            return _translated(source, layout, wanted, walk)
        except ValueError as error:
            tried.append((walk[0].passed if walk else -1, str(error)))
    told = max(tried, key=lambda each: each[0])[1]
    told = told if told.startswith(f"{path}") else f"{path}: {told}"
    raise BadInput(one_line(told))


def _likely(source: OnnxFile) -> list[str]:
    """Both layouts, that first whose channels are 1 to 4."""
    sizes = source.inputs[0].sizes if source.inputs else ()
    last = len(sizes) == 4 and (sizes[3] or 9) <= 4 < (sizes[1] or 9)
    return ["NHWC", "NCHW"] if last else ["NCHW", "NHWC"]


def _translated(source: OnnxFile, layout: str, wanted: Wanted, seen: list[Walk]) -> Imported:
    output = wanted.output or source.outputs[0]
    if len(source.outputs) > 1 and not wanted.output:
        names = ", ".join(source.outputs[:8])
        raise BadInput(f"{len(source.outputs)} outputs ({names}); name one with --output")
    images, batch = _images(source, layout, wanted)
    network = Network(images)
    held = FREE if batch is None else batch
    height, width, channels = images
    order = {"N": BATCH, **dict(zip("CHW", (CHANNELS, HEIGHT, WIDTH), strict=True))}
    sizes = {"N": held, "C": channels, "H": height, "W": width}
    lying = tuple(whole(order[letter], sizes[letter]) for letter in layout)
    value = Value("input", images, lying)
    room = most_bytes(source.constants.values(), wanted.constants)
    walk = Walk(network, lying[0], source.opset, dict(source.constants), room=room)
    seen.append(walk)
    if batch is not None:
        walk.note(f"the batch is fixed at {batch} in the file, and free here")
    value = _scaled(walk, value, source, wanted)
    walk.known[source.inputs[0].name] = value
    run(walk, source.ops, output)
    last = walk.known[output]
    if not isinstance(last, Value):
        raise BadInput(f"the output {output!r} does not depend on the images")
    try:
        logits, doubled = _ended(walk, last, output)
        tidied(network)
        name = wanted.name or _stem(source.path)
        architecture, tensors = finished(walk, name, images, str(source.path))
    except Refusal as refusal:
        raise BadInput(str(refusal)) from refusal
    if not any(node.kind in ("batch_norm", "layer_norm") for node in architecture.nodes):
        walk.note("no batch norm is in the file: exporters fold it into the kernels by default")
    return Imported(
        architecture, tensors, walk.notes, source, layout, logits, batch, doubled, wanted
    )


def _ended(walk: Walk, last: Value, output: str) -> tuple[str, bool]:
    """The output made logits of ours: their name in the file, and whether they were doubled."""
    network = walk.network
    node = last.node
    if len(last.axes) == 1:
        raise Refusal(f"the output {output!r} has all images in one row")
    if len(last.shape) == 3:
        if last.shape[:2] != (1, 1):
            raise Refusal(f"the output {output!r} is a map, not one number a class")
        node = network.add("flatten", [node])
    axis = [axis for axis in last.axes if axis and axis[0].axis == CHANNELS]
    if axis and axis != [whole(CHANNELS, last.channels)]:
        raise Refusal(f"the output {output!r} has its classes in another order than its layer")
    network.output = node
    name = behead(walk, output)
    return name, two_classes(walk)


def _images(
    source: OnnxFile, layout: str, wanted: Wanted
) -> tuple[tuple[int, int, int], int | None]:
    """(height, width, channels), and the batch where it is fixed. Raises BadInput."""
    if len(source.inputs) != 1:
        what = ", ".join(repr(given.name) for given in source.inputs[:4])
        mend = "Keras lost a layer's constants: export with KERAS_BACKEND=torch"
        told = mend if source.inputs else "export the network again"
        raise BadInput(f"{len(source.inputs)} inputs ({what}), not one for the images; {told}")
    (given,) = source.inputs
    if len(given.sizes) != 4:
        raise BadInput(f"the input {given.name!r} has {len(given.sizes)} axes; images have 4")
    channels, *places = (given.sizes[n] for n in LAYOUTS[layout])
    free = [None, None] if not wanted.size else [*wanted.size]
    sizes = [held or size for held, size in zip(places, free, strict=True)]
    if channels is None:
        raise BadInput(f"the input {given.name!r} has no fixed channels; try --layout")
    if None in sizes:
        raise BadInput(f"the input {given.name!r} is of any size; give one, as --size 224 224")
    height, width = (int(size or 0) for size in sizes)
    if wanted.size and (height, width) != wanted.size:
        raise BadInput(f"the file reads {height} x {width} images; export it for another --size")
    try:
        small((height, width, channels))
    except Refusal as refusal:
        raise BadInput(f"the input {given.name!r} has {refusal}") from refusal
    batch = given.sizes[0]
    if batch is not None and batch * height * width * channels > MOST_VALUES:
        raise BadInput(f"a batch of {batch} images is fixed in it; export it with a free batch")
    return (height, width, channels), batch


def _scaled(walk: Walk, value: Value, source: OnnxFile, wanted: Wanted) -> Value:
    """Images in [0, 1] made what the network was trained with."""
    (given,) = source.inputs
    scale = 255.0 if given.dtype == "uint8" and wanted.scale == 1 else wanted.scale
    if given.dtype not in ("uint8", "float32", "float16", "float64", "bfloat16"):
        raise BadInput(f"the input {given.name!r} is {given.dtype}; images are float or uint8")
    for what, numbers in (("mean", wanted.mean), ("deviation", wanted.deviation)):
        if numbers and len(numbers) not in (1, value.channels):
            raise BadInput(f"--{what} has {len(numbers)} numbers for {value.channels} channels")
    mean = np.array(wanted.mean or (0.0,))
    deviation = np.array(wanted.deviation or (1.0,))
    if scale != 1:
        walk.note(f"images in [0, 1] are multiplied by {scale:g} first")
    if wanted.mean or wanted.deviation:
        walk.note("images in [0, 1] are standardised by the mean and deviation given first")
    if scale == 1 and not wanted.mean and not wanted.deviation:
        return value
    factor = scale / deviation
    return affine(walk, value, factor, -mean * factor, "the images")


def _stem(path: Path) -> str:
    return one_line(path.stem)[:60] or "network"
