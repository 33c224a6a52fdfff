"""Wrong and hostile files at one door of the command line: `hostile.py DOOR FOLDER`.

Prints JSON: how many files were refused, what was wrong with an answer, and the peak of memory, MB.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import re
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.__main__ import main

FORM: dict[str, Any] = {
    "name": "net", "input_shape": [8, 8, 3], "classes": 3,
    "nodes": [
        {"name": "conv1", "kind": "conv", "inputs": ["input"], "filters": 4, "kernel": [3, 3],
         "stride": [1, 1], "padding": "same", "dilation": [1, 1], "groups": 1, "bias": True},
        {"name": "norm1", "kind": "batch_norm", "inputs": ["conv1"], "momentum": 0.9,
         "epsilon": 0.001},
        {"name": "pool1", "kind": "max_pool", "inputs": ["norm1"], "size": [2, 2],
         "stride": [2, 2], "padding": "valid", "rounding": "floor"},
        {"name": "flatten1", "kind": "flatten", "inputs": ["pool1"]},
        {"name": "dense1", "kind": "dense", "inputs": ["flatten1"], "units": 3, "bias": True},
    ],
}  # fmt: skip
NONSENSE: list[Any] = [
    None, -1, "", [[]], 1 << 70, [1 << 40] * 2, {"a": 1}, "a" * 100_000,
]  # fmt: skip


def forms() -> Iterator[bytes]:
    """An architecture with one thing wrong; and what is no architecture at all."""
    places: list[tuple[Any, ...]] = [(key,) for key in FORM]
    places += [("nodes", n, key) for n, node in enumerate(FORM["nodes"]) for key in node]
    for place in places:
        for value in [*NONSENSE, ...]:
            form = copy.deepcopy(FORM)
            owner: Any = form
            for key in place[:-1]:
                owner = owner[key]
            if value is ...:
                del owner[place[-1]]
            else:
                owner[place[-1]] = value
            yield json.dumps(form).encode()
    whole = json.dumps(FORM).encode()
    yield from (whole[:cut] for cut in range(0, len(whole), 40))
    yield from (
        b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe" + whole, whole.decode().encode("utf-16"),
        b"null", b"[]", b"3", b'"net"', b"NaN", b'{"classes": 1e999}', b"\0" * 1000,
        whole.replace(b"0.001", b"NaN"), whole.replace(b"0.001", b"-Infinity"),
        whole.replace(b"0.001", b"9" * 5000), whole + whole, b"<!doctype html>",
        json.dumps({**FORM, "nodes": FORM["nodes"] * 2}).encode(),
        json.dumps({**FORM, "nodes": FORM["nodes"][::-1]}).encode(),
    )  # fmt: skip


def chunk(kind: bytes, body: bytes) -> bytes:
    sealed = kind + body
    return struct.pack(">I", len(body)) + sealed + struct.pack(">I", zlib.crc32(sealed))


def png(width: int, height: int, depth: int = 8, colour: int = 2, body: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def pictures() -> Iterator[bytes]:
    """Cut short, of sizes that they have not, or no picture."""
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    for kind in ("PNG", "JPEG", "BMP", "GIF", "WEBP"):
        made = io.BytesIO()
        Image.fromarray(pixels).save(made, kind)
        whole = made.getvalue()
        yield from (whole[: int(len(whole) * share)] for share in np.linspace(0.0, 0.5, 9))
        yield whole[:16] + whole[200:]
    sizes = (0, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
    yield from (png(width, height) for width in sizes for height in sizes)
    yield from (png(9, 9, depth, colour) for depth in (0, 3, 16, 255) for colour in (1, 2, 7, 255))
    yield png(11_000, 12_000, body=zlib.compress(bytes(33_001) * 12_000, 9))
    yield png(30_000, 30_000, body=zlib.compress(bytes(1 << 24), 9))
    yield png(7000, 7000, 16, 6, zlib.compress(bytes(7000 * 8 + 1) * 100, 9))
    yield from (
        b"", b"\0" * 99, b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<!doctype html>", b"%PDF",
        b"GIF89a" + b"\xff" * 50, b"BM" + b"\xff" * 60, b"RIFF\xff\xff\xff\xffWAVEfmt ",
        b"RIFF\xff\xff\xff\xffWEBPVP8X" + b"\xff" * 40, b"\xff\xd8\xff" + b"\xff" * 1000,
        b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", b"") * 100, b"II*\0" + b"\xff" * 50,
    )  # fmt: skip


def models() -> Iterator[bytes]:
    """An ONNX file cut short, or with one thing wrong."""
    from onnx import ModelProto, TensorProto, helper
    from onnx_graphs import CONV, HEAD, WEIGHTS, saved

    path = saved(Path("sound.onnx"), [*CONV, ("Relu", ["c"], "y"), *HEAD], WEIGHTS)
    whole = path.read_bytes()
    path.unlink()
    yield from (whole[: len(whole) * cut // 40] for cut in range(40))
    yield from (whole[cut:] for cut in range(1, 20))

    def changed(what: Any) -> bytes:
        model = ModelProto()
        model.ParseFromString(whole)
        what(model)
        return bytes(model.SerializeToString())

    for value in ([], [-1], [0, 0], [1 << 40] * 2, [1] * 9):
        for name in ("strides", "dilations", "pads"):
            if (name, value) in (("pads", []), ("pads", [0, 0])):
                continue
            attribute = helper.make_attribute(name, value, attr_type=7)

            def setting(model: Any, attribute: Any = attribute) -> None:
                node = model.graph.node[0]
                kept = [a for a in node.attribute if a.name != attribute.name]
                del node.attribute[:]
                node.attribute.extend([*kept, attribute])

            yield changed(setting)
    for kind in ("", "If", "Loop", "LSTM", "Resize", "Attention", "x" * 10_000, "Conv\n"):
        yield changed(lambda model, kind=kind: setattr(model.graph.node[0], "op_type", kind))
    for n in range(4):
        yield changed(lambda model, n=n: model.graph.node[n].ClearField("output"))
        yield changed(lambda model, n=n: model.graph.node[n].input.insert(0, "nothing"))
    for field in ("dims", "data_type", "raw_data", "name"):
        yield changed(lambda model, field=field: model.graph.initializer[0].ClearField(field))
    for size in (0, -1, 7, 1 << 31, (1 << 63) - 1):
        yield changed(lambda model, size=size: model.graph.initializer[0].dims.append(size))
        yield changed(
            lambda model, size=size: setattr(
                model.graph.input[0].type.tensor_type.shape.dim[2], "dim_value", size
            )
        )
    yield changed(lambda model: model.graph.ClearField("input"))
    yield changed(lambda model: model.graph.ClearField("output"))
    yield changed(lambda model: model.graph.ClearField("initializer"))
    huge = TensorProto(name="k", data_type=1, dims=[1 << 20, 1 << 20])
    yield changed(lambda model: model.graph.initializer[0].CopyFrom(huge))


DOORS = {"json": forms, "picture": pictures, "onnx": models}


def words(door: str, file: str) -> list[str]:
    if door == "json":
        return ["show", "--architecture", file]
    if door == "onnx":
        return ["import", file, "--out", "out"]
    return ["predict", "--framework", "reference", "--network", "net", "--images", file]


def knock(door: str, file: str) -> str:
    """What is wrong with the answer; `taken` where the file was."""
    before, errors, out = {*Path().iterdir()}, io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(out):
        status = main(words(door, file))
    said = errors.getvalue()
    if status == 0:
        return "taken"
    if status != 2 or said.count("\n") != 1 or len(said) > 1000:
        return f"{status}: {said[-300:]}"
    left = {*Path().iterdir()} - before
    return f"left {sorted(map(str, left))}" if left else ""


def run(door: str, folder: str) -> dict[str, Any]:
    os.chdir(folder)
    kind = {"json": "json", "picture": "png", "onnx": "onnx"}[door]
    found: list[str] = []
    for number, content in enumerate(DOORS[door]()):
        file = Path(f"{number}.{kind}")
        file.write_bytes(content)
        found.append(knock(door, str(file)))
        file.unlink()
    wrong = [f"{n}: {told}" for n, told in enumerate(found) if told not in ("", "taken")]
    # getrusage's peak has that of the process which forked this one.
    peak = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
    taken = [n for n, told in enumerate(found) if told == "taken"]
    return {"refused": found.count(""), "taken": taken, "wrong": wrong, "peak": peak}


if __name__ == "__main__":
    print(json.dumps(run(*sys.argv[1:])))  # noqa: T201
