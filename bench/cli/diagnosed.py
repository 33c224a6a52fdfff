"""The child's side of `diagnose`, and how its verdicts are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cli import user_files, user_maps
from bench.cli.options import Single
from bench.engine.worker import Reporter, Row
from bench.record.cell import Cell
from bench.truth.diagnosis import FEWEST, Diagnosis, Found, diagnose
from bench.truth.question import Question
from bench.truth.residual import pattern
from implementations.architecture import pretrained, registered
from implementations.arrays import Floats
from implementations.conventions import INPUT_FORMULAS, Convention
from implementations.oracle import runtime

BARE = True
"""Its process needs NumPy and nothing else (`bench/engine/worker.py`)."""
MOST = 8
"""Images that are looked at: more of them tell no more."""


def serve(cells: list[Cell], context: Mapping[str, Any], report: Reporter) -> None:
    """The child's entry."""
    (cell,) = cells
    report.run(cell, lambda: _rows(cell, context, report))


def _rows(cell: Cell, context: Mapping[str, Any], report: Reporter) -> Iterator[Row]:
    height, width, channels = context["size"]
    architecture = registered.get(cell.architecture, (height, width, channels), context["classes"])
    network = runtime.build(
        architecture, pretrained.neutral(Path(context["weights"]), architecture)
    )
    every, _ = user_files.read_images(Path(context["images"]), check=False)
    images = np.asarray(every[:MOST], np.float64)
    targets: NDArray[Any] = network(images).argmax(axis=1)
    if context["targets"]:
        read = user_files.read_array(Path(context["targets"]), "targets")
        targets = user_files.check_targets(
            read, len(every), architecture.classes, context["targets"]
        )[:MOST]
    verdicts = {}
    for name in ("heatmap", "against"):
        if context[name]:
            maps, _ = user_maps.read_maps(Path(context[name]))
            asked = (network, images, targets, maps[:MOST], context["layer"], cell.method)
            question = Question(*asked)
            found = diagnose(question, context["seconds"], _teller(report, name))
            verdicts[name] = verdict(found, question)
    yield {"verdicts": verdicts}


def _teller(report: Reporter, name: str) -> Callable[[str], None]:
    return lambda text: report.send("progress", text=f"{name}: {text}")


def verdict(found: Diagnosis, question: Question) -> dict[str, Any]:
    """A diagnosis as JSON: what was found, or the nearest convention and the residual's pattern."""
    best = found.found[0] if found.found else found.nearest
    return {
        "found": [_told(each, question) for each in found.found],
        "nearest": None if found.found or best is None else _told(best, question),
        "residual": "" if found.found or best is None else pattern(question, best.convention),
        "tried": found.tried, "seconds": round(found.seconds, 1), "cost_tried": found.levels,
        "images": len(question.maps), "telling": int(question.telling.sum()),
    }  # fmt: skip


def _told(each: Found, question: Question) -> dict[str, Any]:
    canonical = Convention(formula=question.formula)
    if question.formula in INPUT_FORMULAS:
        canonical = Convention(formula=question.formula, rectify="none")
    away = each.convention.differs(canonical)
    return {
        "convention": asdict(each.convention),
        "cost": each.cost,
        "differs": {name: getattr(each.convention, name) for name in away},
        "first": away[0] if away else "",
        "layer": question.place(each.convention.layer),
        "error": float(each.errors.max()),
        "errors": _finite(each.errors),
        "epsilon": each.epsilon,
    }


def _finite(errors: Floats) -> list[float | None]:
    return [float(error) if np.isfinite(error) else None for error in errors]


def screen(verdicts: Mapping[str, Any], asked: Single) -> str:
    """The verdicts in plain words."""
    names = {"heatmap": asked.heatmap, "against": asked.against or ""}
    lines = [line for name, each in verdicts.items() for line in _page(names[name], each, asked)]
    if len(verdicts) > 1:
        lines += ["", *_apart(verdicts["heatmap"], verdicts["against"])]
    return "\n".join(lines)


def _page(name: str, each: Mapping[str, Any], asked: Single) -> Iterator[str]:
    spent = f"{each['tried']:,} conventions tried, {each['seconds']} s"
    if not each["found"]:
        yield f"{name}: no convention within the space explains it ({spent})"
        nearest = each["nearest"]
        if nearest:
            yield f"  nearest: {_words(nearest)}; worst error {nearest['error']:.2g} of the range"
            fits = [i for i, e in enumerate(nearest["errors"]) if e is not None and e < 1e-3]
            rest = [i for i in range(each["images"]) if i not in fits]
            if fits:
                yield f"  images {_list(fits)} fit, {_list(rest)} do not"
        if each["telling"] < min(FEWEST, each["images"]):
            yield f"  only {each['telling']} of the maps have values enough: give more images"
        if each["residual"]:
            yield f"  what remains: {each['residual']}"
        return
    first, *others = each["found"]
    yield f"{name}: {_words(first)} (cost {first['cost']}; {spent})"
    yield f"  worst error {first['error']:.2g} of the range, over {each['images']} images"
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


def _apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    if not (one["found"] and other["found"]):
        yield "the two cannot be compared step by step: no convention explains one of them"
        return
    first, second = one["found"][0]["convention"], other["found"][0]["convention"]
    away = [name for name in first if first[name] != second[name]]
    for name in away:
        yield f"{name}: {first[name]} in the first, {second[name]} in the second"
    if not away:
        yield "the two follow the same convention"


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
    steps = ("input", "rule", "pairing", "gradient", "pool", "rectify", "resize", "normalise")
    later = {name: told["differs"][name] for name in steps if name in told["differs"]}
    then = "; then " + ", ".join(f"{name} {value}" for name, value in later.items())
    return " ".join([*words, "--save stages --out oracle.safetensors"]) + (then if later else "")
