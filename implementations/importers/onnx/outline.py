"""A file's outline: its messages walked by the lengths that they give, what is in them not read.

Whatever names itself ONNX is looked at like this first. Parsed, a small part of a file that is no
network's can be much memory, and all of a large one that is no ONNX at all would be read for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

MOST_FIELDS = 1 << 20
"""Fields of a file, each a message, a name or a number; of 10,000 nodes some 300,000."""
MOST_TAKEN = 1 << 29
"""Bytes of memory that a file may take beside the numbers of its tensors."""
PARSED = 50
"""Bytes of memory for each of a message, at the most: two bytes are a message, or two numbers."""
INSIDE: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph"}, "graph": {1: "node", 5: "tensor"}, "node": {5: "attribute"},
    "attribute": {5: "tensor"},
}  # fmt: skip
"""Message -> its fields that are walked as well, and what messages they are."""
TAKEN: Mapping[str, Mapping[int, int]] = {
    "model": {2: 1, 3: 1, 4: 1, 6: 1}, "graph": {2: 1, 10: 1},
    "node": {1: 1, 2: 1, 3: 1, 4: 1, 6: 1, 7: 1}, "attribute": {1: 1, 4: 1, 9: 1, 13: 1},
    "tensor": {4: 0, 5: 4, 7: 8, 8: 1, 9: 0, 10: 0, 11: 8, 12: 1},
}  # fmt: skip
"""Message -> its fields whose bytes take so many each: texts, and what is a tensor's own."""
EARLY = "it is cut short; copy it or export it again"


def check(handle: int, size: int) -> None:
    """Raises ValueError where an open file of `size` bytes is no ONNX file of usual build."""
    waiting = [("model", 0, size)]
    fields = taken = 0
    graph = False
    while waiting:
        message, start, end = waiting.pop()
        for number, place, length in _fields(handle, start, end, message == "model"):
            fields += 1
            inside = INSIDE.get(message, {}).get(number)
            if inside is not None and length:
                waiting.append((inside, place, place + length))
                graph = graph or inside == "graph"
            else:
                taken += length * TAKEN[message].get(number, PARSED)
            if fields > MOST_FIELDS or taken > MOST_TAKEN:
                raise ValueError(
                    "beside its tensors it has more than a network's description takes; "
                    "export it again, without documentation or traces"
                )
    if not graph:
        raise ValueError("there is no graph in it; export the network again")


def _fields(handle: int, start: int, end: int, top: bool) -> Iterator[tuple[int, int, int]]:
    """Number, place and length of each field with a length, 0 of others. Raises ValueError."""
    broken = ValueError("export it again")
    while start < end:
        head = os.pread(handle, min(20, end - start), start)
        tag, at = _number(head, 0)
        number, wire = tag >> 3, tag & 7
        length = 0
        match wire:
            case 0:
                _, at = _number(head, at)
            case 1 | 5:
                at += 8 if wire == 1 else 4
            case 2:
                length, at = _number(head, at)
            case _:
                raise broken
        if not number:
            raise broken
        if start + at + length > end:
            raise ValueError(EARLY) if top and number == 7 else broken
        yield number, start + at, length
        start += at + length


def _number(content: bytes, at: int) -> tuple[int, int]:
    """A number of as many bytes as it needs, and where it ends. Raises ValueError."""
    value = 0
    for n, byte in enumerate(content[at : at + 10]):
        value |= (byte & 127) << 7 * n
        if byte < 128:
            return value, at + n + 1
    raise ValueError("export it again")
