"""Scores a kept map in this process's column: the cell and its context on standard input."""

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from bench.metrics.deletion import counts  # noqa: E402
from bench.record.cell import from_document  # noqa: E402
from bench.stages import judge  # noqa: E402
from bench.subject.heatmaps import positions  # noqa: E402
from implementations.architecture import weights  # noqa: E402

job = json.load(sys.stdin)
cell, context = from_document(job["cell"]), job["context"]
context["values"] += f"-{cell.column.label}"
network = judge.Network(cell, context)
list(judge.measure(cell, network, context))
values = weights.load(Path(context["values"]) / f"{cell.cell_id}.safetensors")
maps = network.maps(cell.explainer)
n, pixels = len(maps), maps[0].size
places = positions(maps, np.tile(np.arange(pixels), (n, 1))).reshape(n, 1, *maps.shape[1:])
kept = places >= counts(pixels)[1:-1].reshape(-1, 1, 1)
model, images = network.model, network.about.images
classes = network.about.architecture.classes
each = [model.masked(images, kept, model.fill, np.full(n, k)) for k in range(classes)]
logits = np.sort(np.stack([found.logit for found in each]), axis=0)
values |= {"label": each[0].label, "gap": logits[-1] - logits[-2]}
np.savez(sys.argv[1], **values)
