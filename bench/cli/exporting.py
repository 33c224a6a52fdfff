"""`export`: an architecture with weights as an ONNX file, for what runs such files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.cli import user_files
from bench.cli.options import Single
from bench.engine.progress import answer
from bench.subject import onnx_files
from implementations.architecture import graph, pretrained, registered, weights
from implementations.errors import BadInput, one_line

SIZE = (28, 28)
"""Height and width of the images of a registered architecture, unasked."""


def run(asked: Single) -> int:
    """`export`: read, check, write whole or not at all. Raises BadInput and Unavailable."""
    user_files.check_writable(asked.out, [asked.weights, asked.file])
    known = asked.known
    stored = weights.load(Path(asked.weights), most_bytes=user_files.MOST_WEIGHTS)
    height, width = asked.size or SIZE
    shape = (height, width, user_files.channels_of(stored) or 1)
    classes = user_files.classes_of(registered.get(known), stored)
    architecture = registered.get(known, shape, classes)
    height, width, channels = architecture.input_shape
    if asked.size and asked.size != (height, width):
        raise BadInput(f"--size: the network reads {height} x {width}; leave it out")
    tensors = pretrained.neutral(Path(asked.weights), architecture, stored)
    called = graph.read(Path(asked.file)).name if asked.file else asked.architecture
    content = onnx_files.content(replace(architecture, name=called), tensors)
    weights.write_bytes(asked.out, content)
    reads = f"(batch, {channels}, {height}, {width}) in [0, 1]"
    gives = f"`{architecture.output}` (batch, {architecture.classes})"
    told = f"{asked.out}: reads `images` {reads}, gives {gives}, {len(content):,} bytes"
    answer.print(one_line(told))
    return 0
