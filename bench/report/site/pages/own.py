"""A network, a heatmap, an explainer or a method of one's own: what to run, and what it says."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from bench.report.forms import number
from bench.report.site.grids import Grid
from bench.report.site.material import IMPORTS, Material
from bench.report.site.shell import Page
from bench.report.worth import imported

ORDER = 55
PATH = "own.html"
TITLE = "Your own"
COMMANDS = {
    "import": "python -m bench import model.onnx --out my-network",
    "explain": "python -m bench explain --framework pytorch --network my-network "
    "--method grad_cam --mode eager --images cat.jpg --picture cat.png --out heatmaps.safetensors",
    "compare": "python -m bench contrast --network my-network --dataset digits",
    "diagnose": "python -m bench diagnose --network my-network --images images.npy "
    "--heatmap mine.npy --picture why.png",
    "apart": "python -m bench diagnose --network my-network --images images.npy "
    "--heatmap mine.npy --against theirs.npy",
    "conform": "python -m bench conform --explainer my_grad_cam:grad_cam --like grad_cam "
    "--frameworks pytorch",
    "sweep": "python -m bench sweep --methods my_method --architectures cnn-gap cnn-32-16-8",
    "run": "python -m bench compare --dataset digits --architectures cnn-gap",
    "report": "python -m bench report",
}
"""What is run, each as the command line takes it."""
HEADS = ["network", "source", "came in", "parameters", "worst error in float64", "reason"]


def make(material: Material) -> Iterator[Page]:
    """The one page."""
    numbers = material.numbers(IMPORTS)
    found = imported(numbers, None)
    context = {
        "commands": COMMANDS, "told": found[0] if found else "", "sure": found[1] if found else "",
        "grid": _imports(numbers) if len(numbers) else None,
    }  # fmt: skip
    yield Page(PATH, TITLE, "own.html", context)


def _imports(numbers: pd.DataFrame) -> Grid:
    lines = [
        [(text, False) for text in (
            str(row["network"]), str(row["source"]), str(row["status"]),
            f"{row['parameters']:,.0f}" if row["parameters"] == row["parameters"] else "–",
            number(row["evaluator_float64"]),
            str(row["reason"]) if row["reason"] == row["reason"] else "",
        )]
        for row in numbers.to_dict("records")
    ]  # fmt: skip
    return Grid("Exported networks", HEADS, lines, (), ())
