"""Each library's map beside ours at matched settings, on digits: a table.

    python -m experiments.matched [--libraries captum torchcam] [--images 10]

The network is the published one, trained; images are the first of the test set, targets each
class in turn: of the one predicted a map that a ReLU ends may be zero on all of them. A map that is
further than 1e-5 from ours is held to what its offer states: to the convention that it names, or
to the formula in `formulas.py` and its siblings that is its words (in float64 too, where float32
misses that). One that draws at random draws the library's own numbers there; where none is written
out it is held to itself with another seed. Maps are those of ours that are not zero, of theirs
where they are like none of ours.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import datasets
from bench.engine.environment import PYTHON, environment
from bench.record.cell import Cell
from bench.subject.inputs import shared_weights
from experiments.matched.computed import SAME
from implementations import libraries
from implementations.architecture import graph, registered, weights

ROOT = Path(__file__).parents[2]
DATASET, NETWORKS = "digits", ("cnn-32-16-8", "cnn-gap")
CONTROL = "control"
NEAR = 1e-3
"""Of an offer's convention, where an epsilon that no convention has is seen."""
DRAWN = 3.0
"""Times its distance from itself with another seed that a map drawn at random may be from ours."""


def prepare(architecture: str, images: int, folder: Path) -> None:
    """Write a trained network, images and targets, every class in turn."""
    data = datasets.load(DATASET)
    height, width, channels = data.test_images.shape[1:]
    drawn = registered.get(architecture, (height, width, channels), len(data.class_names))
    tensors = weights.load(shared_weights(DATASET, architecture))
    targets = np.arange(images, dtype=np.int32) % drawn.classes
    (folder / registered.IN_FOLDER).write_text(json.dumps(graph.document(drawn)))
    weights.save(folder / registered.WEIGHTS_IN_FOLDER, tensors)
    np.savez(folder / "given.npz", images=data.test_images[:images], targets=targets)


def compute(library: str, folder: Path) -> dict[str, dict[str, Any]]:
    """The rows of a library's offers, in a process and an environment of its own."""
    about = libraries.describe(library)
    if about.missing and not about.python:
        return {name: {"reason": about.missing} for name in about.offers}
    cell = Cell(stage="agree", framework=about.framework, backend=about.backend, library=library,
                dataset=DATASET, architecture="")  # fmt: skip
    variables = {**os.environ, **environment(cell), "PYTHONPATH": str(ROOT)}
    python = variables.pop(PYTHON, None) or sys.executable
    command = [python, "-m", "experiments.matched.computed", library, str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=variables, check=False)
    if done.returncode:
        return {name: {"reason": "the process ended"} for name in about.offers}
    found: dict[str, dict[str, Any]] = json.loads((folder / f"{library}.json").read_text())
    return found


def verdict(offer: libraries.Offer, row: dict[str, Any]) -> str:
    """What the numbers show, in words."""
    error = row.get("to_ours")
    if "reason" in row:
        return str(row["reason"])
    if not row["maps"]:
        return "nothing: every map is zero"
    if error is not None and error <= SAME:
        return "ours"
    if offer.canonical is not None:
        return "NOT OURS, though its options say so"
    if (exact := row.get("in_float64")) is not None and exact <= SAME:
        return f"what it states, in float64 ({exact:.1g}); rounding parts it: {offer.difference}"
    if (stated := row.get("to_stated")) is not None:
        what = "what it states" if stated <= SAME else f"what it states but for {stated:.2g}"
        return f"{what if stated <= NEAR else 'NOT WHAT IT STATES'}: {offer.difference}"
    if (itself := row.get("to_itself")) is not None and error is not None:
        drawn = "drawn at random" if error <= DRAWN * itself else "drawn, and another formula"
        return f"{drawn}: {offer.difference}"
    return f"another formula: {offer.difference}"


def line(name: str, architecture: str, offer: libraries.Offer, row: dict[str, Any]) -> str:
    """A line of the table."""
    given = offer.canonical
    same = "–" if given is None else ", ".join(f"{k}={v}" for k, v in given.items()) or "defaults"
    numbers = [
        "–" if row.get(of) is None else f"{row[of]:.2g}"
        for of in ("to_ours", "to_stated", "to_itself")
    ]
    maps = str(row.get("maps", "–"))
    cells = (name, architecture, offer.like or "–", same, *numbers, maps, verdict(offer, row))
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Print the table; 1 where a map is not what its offer says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    known = [name for name in libraries.names() if name != CONTROL]
    parser.add_argument("--libraries", nargs="+", choices=known, default=known)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS))
    parser.add_argument("--images", type=int, default=10)
    asked = parser.parse_args()
    print("| offer | network | like | our map with | to ours | to what it states | to itself, "
          "drawn again | maps | shown |")  # fmt: skip
    print("| --- " * 9 + "|")
    wrong = 0
    for architecture in asked.networks:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            prepare(architecture, asked.images, folder)
            for library in asked.libraries:
                offers = libraries.describe(library).offers
                for name, row in compute(library, folder).items():
                    text = line(f"{library}.{name}", architecture, offers[name], row)
                    wrong += "NOT" in text
                    print(text, flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
