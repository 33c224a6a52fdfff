"""Charts, described once by Vega-Altair: pages draw them, and figures are drawn of them.

A page gives a chart its rows as people choose (`assets/chart.js`); `sheet` puts charts of other
rows side by side, and `bench/report/files.py` writes that as a picture.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.report.site.shell import plain

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a6d3b", "#7a7a7a")
"""Colours that people who see colours differently tell apart (Okabe and Ito)."""
WIDTH = 380
"""Pixels across a chart of a figure."""
SELECTION = "selection"
"""The data that a page gives a chart as people choose."""


@dataclass(frozen=True)
class Chart:
    """A chart: `form` is Vega-Lite, of the data that a page names `selection`."""

    name: str
    title: str
    form: Mapping[str, Any]
    told: str = ""

    @property
    def spec(self) -> Any:
        """The same as JSON that may stand in a page."""
        from markupsafe import Markup

        return Markup(plain(self.form))


def chart(
    name: str, title: str, made: Any, told: str = "", height: int = 280, *, step: int = 0
) -> Chart:
    """A chart of Altair's, as wide as its place or a step for each value, in the site's colours."""
    sized = made if hasattr(made, "hconcat") else made.properties(width="container", height=height)
    if step:
        sized = made.properties(width={"step": step}, height={"step": step})
    spec = sized.to_dict(validate=True)
    spec.pop("config", None)
    return Chart(name, title, spec, told)


def sheet(
    title: str, panels: Sequence[tuple[str, Chart, Sequence[Mapping[Any, Any]]]], across: int = 2
) -> dict[str, Any]:
    """One description of charts side by side: a heading, the chart and its rows for each.

    What is not finite is left out of the rows.
    """
    datasets, parts = {}, []
    for n, (heading, each, rows) in enumerate(panels):
        name = f"{SELECTION}{n}"
        datasets[name] = json.loads(plain(list(rows)))
        form = _renamed(each.form, name)
        width = WIDTH if form.get("width") == "container" else form["width"]
        parts.append({**form, "width": width, "title": {"text": heading, "fontSize": 11}})
    return {
        "$schema": parts[0].pop("$schema"), "background": "white", "title": title,
        "concat": [{k: v for k, v in part.items() if k != "$schema"} for part in parts],
        "columns": across, "datasets": datasets, "spacing": 28,
        "resolve": {"scale": dict.fromkeys(("color", "shape", "strokeDash"), "shared")},
        "config": {"font": "DejaVu Sans", "legend": {"labelLimit": 320},
                   "axis": {"titleLimit": 420}},
    }  # fmt: skip


def _renamed(form: Any, name: str) -> Any:
    """A description with the data of this name for those of the selection."""
    if isinstance(form, list):
        return [_renamed(each, name) for each in form]
    if not isinstance(form, Mapping):
        return form
    if form.get("name") == SELECTION and len(form) == 1:
        return {"name": name}
    return {key: _renamed(each, name) for key, each in form.items()}


def colour(field: str, title: str | None = None, **more: Any) -> Any:
    """A colour for each value of a column of texts."""
    import altair as alt

    scale = alt.Scale(range=list(PALETTE), **more)
    legend = alt.Legend(symbolOpacity=1)  # also where the mark is faint
    return alt.Color(f"{field}:N", scale=scale, title=title or field, legend=legend)


def dotted(data: Any, field: str, opacity: Any = None, **encoding: Any) -> tuple[Any, Any]:
    """Layers: lines dashed by a column of texts, which the legend shows too; points on them."""
    import altair as alt

    legend = alt.Legend(symbolType="stroke", symbolStrokeColor="#8a8a8a", symbolStrokeWidth=2)
    dash = alt.StrokeDash(f"{field}:N", title=field, legend=legend)
    return (
        data.mark_line().encode(strokeDash=dash, **encoding),
        data.mark_point(filled=True, size=50, opacity=1).encode(
            **encoding, **({} if opacity is None else {"opacity": opacity})
        ),
    )
