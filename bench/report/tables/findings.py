"""Findings: what the comparison of explainers says in words, and which metrics can say anything."""

from __future__ import annotations

import pandas as pd

from bench.report.explainers import PLACE
from bench.report.findings import findings
from bench.report.forms import text
from bench.report.table import Shown, Table, View
from bench.report.told_apart import places

STAGES = ("contrast", "judge")
NOTE = (
    "Sentences made of rows alone, of images whose class the network predicts as labelled. A "
    "metric tells something where its highest explainer is told apart from every control (paired "
    "bootstrap, all pairs with controls one family at 5 %), where random halves of the images "
    "order the explainers alike, and where blur alone does not raise it. Above: on the side that "
    "the metric calls better. Every control: the explainer's own maps of the network before "
    "training are one, and of explainers without them nothing is said to be above. Explainers of "
    "the same maps are one. Each is of this network, as one training made it: of another nothing "
    "follows but what a sentence says of several trainings."
)
TELLS = "can tell something"


def make(frame: pd.DataFrame) -> Table:
    """A section of sentences and one of verdicts for each network compared."""
    sentences, verdicts = [], []
    for told in places(frame):
        source = {**told.place, "run_id": told.run_id, "cell_id": told.cell_id}
        for found in findings(told):
            sentences.append({
                **source, "kind": found.kind, "finding": found.text, "metric": "",
                "explainers": ", ".join(found.explainers), "metrics": ", ".join(found.metrics),
            })  # fmt: skip
        verdicts += [
            {**source, "kind": "verdict", "metric": metric, "finding": cause or TELLS}
            for metric, cause in told.causes.items()
        ]
    data = pd.DataFrame(sentences + verdicts)
    views = [
        View(PLACE, (Shown("finding", text, ("finding",)),),
             where=lambda mine: mine["kind"] != "verdict"),
        View(PLACE, (Shown("metric", text, ("metric",)), Shown("verdict", text, ("finding",))),
             title="metrics", where=lambda mine: mine["kind"] == "verdict"),
    ]  # fmt: skip
    return Table("findings", "Findings", data, views, NOTE)
