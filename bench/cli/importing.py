"""`import`: an ONNX file as a folder of two files, `architecture.json` and `weights.safetensors`.

Both are written whole, or neither: what cannot be translated exactly is refused in one line.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.cli.options import Single
from bench.engine import scratch
from bench.engine.progress import answer
from bench.subject import onnx_files
from implementations.architecture import graph, registered, weights
from implementations.architecture.graph import layers, resolve_layer
from implementations.architecture.shapes import operations, summary
from implementations.arrays import Weights
from implementations.errors import BadInput

ARCHITECTURE, WEIGHTS = registered.IN_FOLDER, registered.WEIGHTS_IN_FOLDER


def run(asked: Single) -> int:
    """`import`: convert, check, write. Raises BadInput and Unavailable."""
    check_folder(asked.out)
    with scratch.temporary():  # a second opinion has the whole network there
        made = onnx_files.read(
            Path(asked.model), check=not asked.unchecked, name=asked.name, layout=asked.layout,
            size=asked.size, output=asked.output, mean=asked.mean, deviation=asked.deviation,
            scale=asked.scale or 1.0, constants=asked.constants,
        )  # fmt: skip
    write(asked.out, graph.document(made.architecture), made.weights, made.about)
    answer.print("\n".join([*_summary(made.architecture), *(f"- {note}" for note in made.notes)]))
    answer.print(
        f"{asked.out} can be named now: python -m bench explain --framework pytorch --mode eager "
        f"--method grad_cam --network {asked.out} --images photographs/ --picture pictures.png "
        "--out heatmaps.safetensors"
    )
    return 0


def _summary(architecture: graph.Architecture) -> list[str]:
    kinds: dict[str, int] = {}
    for node in architecture.nodes:
        kinds[node.kind] = kinds.get(node.kind, 0) + 1
    held = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    height, width, channels = architecture.input_shape
    size = sum(row[3] for row in summary(architecture))
    spatial = layers(architecture)
    layer = resolve_layer(architecture, None) if any(n.startswith("conv") for n in spatial) else "-"
    return [
        f"{architecture.name} reads {height} x {width} x {channels} images and tells "
        f"{architecture.classes} classes: {len(architecture.nodes)} nodes ({held})",
        f"{size:,} parameters, {operations(architecture):,} operations an image; heatmaps by "
        f"default at {layer}",
    ]


def check_folder(out: Path) -> None:
    """Raises BadInput where the folder cannot be made, or holds what is not a network's."""
    if out.exists() and not out.is_dir():
        raise BadInput(f"cannot write {out}: it is a file; name a folder")
    with weights.writing(out / WEIGHTS if out.is_dir() else out):
        if not out.absolute().parent.is_dir():
            raise BadInput(f"cannot write {out}: no folder {out.parent}; make it or name another")
        others = sorted(
            path.name
            for path in (out.iterdir() if out.is_dir() else ())
            if path.name not in (ARCHITECTURE, WEIGHTS)
        )
        if others:
            raise BadInput(f"cannot write {out}: it holds {others[0]!r} too; name a new folder")


def write(out: Path, form: dict[str, Any], tensors: Weights, about: dict[str, str]) -> None:
    """The folder of a network, whole or not at all. Raises BadInput."""
    with (
        weights.writing(out / WEIGHTS if out.is_dir() else out),
        scratch.beside(out.absolute()) as place,
    ):
        folder = place / "network"
        folder.mkdir(mode=0o755)
        text = json.dumps(form, indent=1) + "\n"
        (folder / ARCHITECTURE).write_text(text, encoding="utf-8")
        weights.save(folder / WEIGHTS, tensors, about)
        if out.is_dir():
            for name in (WEIGHTS, ARCHITECTURE):
                (folder / name).replace(out / name)
        else:
            folder.replace(out)
