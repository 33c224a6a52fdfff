"""The child's side of `diagnose`, and how its verdicts are told."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.cli import user_files
from bench.cli.options import Single
from bench.engine.worker import Reporter, Row
from bench.record.cell import Cell
from bench.stages.diagnose import between, examine
from implementations.architecture import pretrained, registered, weights

BARE = True
"""Its process needs NumPy and nothing else (`bench/engine/worker.py`)."""
ALIKE = 1e-4
"""Of a map's range: what two arrays may differ by to be called alike."""
MOST = 8
"""Images that are looked at: more of them tell no more."""


def serve(cells: list[Cell], context: Mapping[str, Any], report: Reporter) -> None:
    """The child's entry."""
    (cell,) = cells
    report.run(cell, lambda: _rows(cell, context, report))


def _rows(cell: Cell, context: Mapping[str, Any], report: Reporter) -> Iterator[Row]:
    height, width, channels = context["size"]
    architecture = registered.get(cell.architecture, (height, width, channels), context["classes"])
    tensors = pretrained.neutral(Path(context["weights"]), architecture)
    every, _ = user_files.read_images(Path(context["images"]), check=False)
    images = np.asarray(every[:MOST], np.float64)
    targets = None
    if context["targets"]:
        labels = user_files.read_array(Path(context["targets"]), "targets")
        targets = user_files.check_targets(
            labels, len(every), architecture.classes, context["targets"]
        )[:MOST]
    maps = {
        name: (np.load(path)[:, :MOST], coarse)
        for name, (path, coarse, _) in context["maps"].items()
    }
    verdicts, made = examine(
        architecture, tensors, images, targets, maps, context["layer"], cell.method,
        context["seconds"], lambda text: report.send("progress", text=text),
    )  # fmt: skip
    weights.save(Path(context["made"]), made)
    read = [maps[name][0][each["reading"]] for name, each in verdicts.items()]
    for name, each in verdicts.items():
        each["read_as"] = context["maps"][name][2][each["reading"]]
    apart = between(*read) if len(maps) == 2 else None
    yield {"verdicts": verdicts, "between": apart}


def screen(verdicts: Mapping[str, Any], apart: Mapping[str, Any] | None, asked: Single) -> str:
    """The verdicts in plain words; of two arrays also how they differ from each other."""
    names = {"heatmap": asked.heatmap, "against": asked.against or ""}
    lines = [line for name, each in verdicts.items() for line in _page(names[name], each, asked)]
    if len(verdicts) > 1:
        lines += ["", *_apart(verdicts["heatmap"], verdicts["against"], apart)]
    return "\n".join(lines)


def _page(name: str, each: Mapping[str, Any], asked: Single) -> Iterator[str]:
    spent = f"{each['tried']:,} conventions tried, {each['seconds']} s"
    if not each["found"]:
        nearest = each["nearest"]
        few = f"only {each['telling']} of {each['images']} maps have values enough"
        if nearest and each["fits"] and not each["enough"]:
            yield f"{name}: {few} to tell conventions apart ({spent})"
            yield f"  all fit: {_words(nearest)}; give images whose maps are not empty"
            return
        yield f"{name}: no convention within the space explains it ({spent})"
        if nearest:
            yield f"  nearest: {_words(nearest)}; worst error {nearest['error']:.2g} of the range"
            fits = [i for i, e in enumerate(nearest["errors"]) if e is not None and e < 1e-3]
            rest = [i for i in range(each["images"]) if i not in fits]
            if fits:
                yield f"  images {_list(fits)} fit, {_list(rest)} do not"
        if not each["enough"]:
            yield f"  {few}: give more images"
        if each["residual"]:
            yield f"  what remains: {each['residual']}"
        if not asked.targets:
            yield "  taken to be of the classes predicted; --targets names others"
        return
    first, *others = each["found"]
    yield f"{name}: {_words(first)} (cost {first['cost']}; {spent})"
    yield f"  worst error {first['error']:.2g} of the range, over {each['images']} images"
    if first["excused"]:
        yield f"  but for image {_list(first['excused'])}, so near a kink that rounding decides it"
    if each["read_as"]:
        yield f"  its colours read as those of {each['read_as']}"
    if first["first"]:
        yield f"  first step that differs from canonical: {first['first']}"
    for other in others:
        yield f"  cannot be told apart on these images: {_words(other)}"
    yield f"  {_command(first, asked)}"


def _words(told: Mapping[str, Any]) -> str:
    layer = told["layer"]
    differs = dict(told["differs"])
    if "layer" in differs:
        differs["layer"] = layer
    if told["epsilon"]:
        differs["epsilon"] = f"{told['epsilon']:.2g}"
    return ", ".join(f"{name}: {value}" for name, value in differs.items()) or "canonical"


def _list(numbers: list[int]) -> str:
    return " ".join(map(str, numbers)) or "none"


def _apart(
    one: Mapping[str, Any], other: Mapping[str, Any], between: Mapping[str, Any] | None
) -> Iterator[str]:
    if between:
        yield _followed(between)
    if not (one["found"] and other["found"]):
        yield "the two cannot be compared step by step: no convention explains one of them"
        return
    pairs = itertools.product(one["found"], other["found"])
    first, second = min(pairs, key=lambda pair: len(_differ(*pair)))
    away = _differ(first, second)
    for name in away:
        yield f"{name}: {_value(first, name)} in the first, {_value(second, name)} in the second"
    yield f"the two part at: {away[0]}" if away else "the two follow the same convention"


def _differ(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The factors in which two conventions differ, in the order of their making."""
    return [name for name in one["convention"] if _value(one, name) != _value(other, name)]


def _value(told: Mapping[str, Any], name: str) -> str:
    if name == "layer":
        return str(told["layer"])
    return f"{told['epsilon']:.2g}" if name == "epsilon" else str(told["convention"][name])


def _followed(between: Mapping[str, Any]) -> str:
    """How the second array follows from the first."""
    if between["apart"] < ALIKE:
        return "the two arrays are alike"
    if between["error"] < ALIKE:
        slopes, shifts = between["slopes"], between["shifts"]
        a, b = (" ".join(f"{value:.3g}" for value in each) for each in (slopes, shifts))
        return f"the second is a x first + b, image by image: a {a}; b {b}"
    return (
        f"the second is no a x first + b: {between['error']:.2g} of its range is left at the "
        f"worst, the median correlation of an image is {between['likeness']:.3f}"
    )


def _command(told: Mapping[str, Any], asked: Single) -> str:
    """The oracle's own map at a command's settings, and what is to be done to it then."""
    made = told["convention"]
    words = [
        "python -m bench explain --framework reference", f"--architecture {asked.architecture}",
        f"--weights {asked.weights} --images {' '.join(asked.images)}",
    ]  # fmt: skip
    if asked.targets and made["target"] == "given":
        words.append(f"--targets {asked.targets}")
    if told["layer"] != "input":
        words.append(f"--layer {told['layer']}")
    if made["score"] in ("probability", "log_probability"):
        words.append(f"--score {made['score']}")
    words.append(f"--method {made['formula'].partition(',')[0].replace(' ', '_')}")
    steps = (
        "input",
        "weights",
        "rule",
        "pairing",
        "gradient",
        "pool",
        "rectify",
        "resize",
        "normalise",
    )
    later = {name: told["differs"][name] for name in steps if name in told["differs"]}
    then = "; then " + ", ".join(f"{name} {value}" for name, value in later.items())
    return " ".join([*words, "--save stages --out oracle.safetensors"]) + (then if later else "")
