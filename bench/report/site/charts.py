"""Charts, described by Vega-Altair; the page draws them with the bundle beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.report.site.shell import plain

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a6d3b", "#7a7a7a")
"""Colours that people who see colours differently tell apart (Okabe and Ito)."""
SELECTION = "selection"
"""The data that a page gives a chart as people choose."""


@dataclass(frozen=True)
class Chart:
    """A chart on a page: `spec` is Vega-Lite as JSON that may stand in a page."""

    name: str
    title: str
    spec: Any
    told: str = ""


def chart(
    name: str, title: str, made: Any, told: str = "", height: int = 280, *, step: int = 0
) -> Chart:
    """A chart of Altair's, as wide as its place or a step for each value, in the site's colours."""
    from markupsafe import Markup

    sized = made if hasattr(made, "hconcat") else made.properties(width="container", height=height)
    if step:
        sized = made.properties(width={"step": step}, height={"step": step})
    spec = sized.to_dict(validate=True)
    spec.pop("config", None)
    return Chart(name, title, Markup(plain(spec)), told)


def colour(field: str, title: str | None = None, **more: Any) -> Any:
    """A colour for each value of a column of texts."""
    import altair as alt

    scale = alt.Scale(range=list(PALETTE), **more)
    return alt.Color(f"{field}:N", scale=scale, title=title or field)


def dotted(data: Any, field: str, **encoding: Any) -> Any:
    """Lines with points on them, dashed by a column of texts, which the legend shows too."""
    import altair as alt

    legend = alt.Legend(symbolType="stroke", symbolStrokeColor="#8a8a8a", symbolStrokeWidth=2)
    dash = alt.StrokeDash(f"{field}:N", title=field, legend=legend)
    return alt.layer(
        data.mark_line().encode(strokeDash=dash, **encoding),
        data.mark_point(filled=True, size=50, opacity=1).encode(**encoding),
    )


def of_selection() -> list[Chart]:
    """The charts of the page on which people choose."""
    import altair as alt

    data = alt.Chart(alt.NamedData(name=SELECTION))
    ms = alt.Y("ms_per_image:Q", title="ms an image", scale=alt.Scale(type="log", nice=False))
    tips = ["what:N", "column:N", "mode:N", "batch:Q", alt.Tooltip("ms_per_image:Q", format=".3")]
    batches = dotted(data, "mode",
        x=alt.X("batch:Q", title="images of a call", scale=alt.Scale(type="log", base=2)),
        y=ms, color=colour("column"), tooltip=tips,
    )  # fmt: skip
    across = alt.X("ms_per_image:Q", title="ms an image", scale=alt.Scale(type="log"))
    column = alt.Y("column:N", title=None)
    offset = alt.YOffset("mode:N")
    modes = alt.layer(
        data.mark_rule(strokeWidth=2).encode(
            x=alt.X("low:Q", title="ms an image"), x2="high:Q", y=column, yOffset=offset,
            color=colour("mode"),
        ),
        data.mark_point(filled=True, size=80).encode(
            x=across, y=column, yOffset=offset, color=colour("mode"),
            shape=alt.Shape("mode:N", legend=None),
            tooltip=[*tips, alt.Tooltip("break_even:Q", title="break-even calls", format=".3"),
                     alt.Tooltip("before_s:Q", title="s before the first call", format=".3")],
        ),
    )  # fmt: skip
    forward = data.mark_point(filled=True, size=80).encode(
        x=alt.X("forward_ratio:Q", title="times the forward pass", scale=alt.Scale(type="log")),
        y=alt.Y("what:N", title=None, sort=alt.SortField("forward_ratio")),
        color=colour("column"), shape=alt.Shape("column:N", legend=None),
        tooltip=[*tips, alt.Tooltip("forward_ratio:Q", title="× forward pass", format=".3")],
    )  # fmt: skip
    return [
        chart("batches", "Batch scaling", batches, "The method that is found, else Grad-CAM."),
        chart("jit", "What each mode takes", modes, "At the batch selected. Lines: intervals."),
        chart("forward", "Each method over a forward pass", forward,
              "Each column's best mode over its own best forward pass of the same run."),
    ]  # fmt: skip


def of_contrast() -> list[Chart]:
    """The charts of the page of contrast: cost against worth, curves, and likeness."""
    import altair as alt

    data = alt.Chart(alt.NamedData(name=SELECTION))
    value = alt.Y("value:Q", title="score", scale=alt.Scale(zero=False))
    tips = ["explainer:N", "column:N", alt.Tooltip("cost:Q", format=".3"),
            alt.Tooltip("value:Q", format=".3"), alt.Tooltip("low:Q", format=".3"),
            alt.Tooltip("high:Q", format=".3"), "n:Q"]  # fmt: skip
    cost = alt.X("cost:Q", title="cost", scale=alt.Scale(type="log"))
    points = data.transform_filter("datum.kind == 'point'")
    front = data.transform_filter("datum.kind == 'front'")
    controls = data.transform_filter("datum.kind == 'control'")
    budgets = data.transform_filter("datum.kind == 'budget'")
    frontier = alt.layer(
        controls.mark_rule(strokeDash=[4, 4], color="#8a8a8a").encode(y=value, tooltip=tips),
        controls.mark_text(align="left", dx=4, dy=-4, color="#8a8a8a").encode(
            x=alt.value(0), y=value, text="explainer:N"
        ),
        front.mark_line(interpolate="step-after", color="#8a8a8a").encode(x=cost, y=value),
        budgets.mark_line(strokeWidth=1, opacity=0.7).encode(
            x=cost, y=value, color=colour("maker"), detail="sampler:N"
        ),
        points.mark_rule().encode(x=cost, y="low:Q", y2="high:Q", color=colour("maker")),
        points.mark_point(filled=True, size=90, opacity=0.9).encode(
            x=cost,
            y=value,
            color=colour("maker"),
            tooltip=tips,
            shape=alt.Shape("maker:N", legend=None),
        ),
        front.mark_text(align="left", dx=7, dy=-7, fontSize=11, color="#8a8a8a").encode(
            x=cost, y=value, text="explainer:N"
        ),
    )
    lines = dotted(data, "curve",
        x=alt.X("at:Q", title="share of the image"), y=alt.Y("value:Q", title="probability"),
        color=colour("explainer"),
        tooltip=["explainer:N", "curve:N", "at:Q", alt.Tooltip("value:Q", format=".3")],
    )  # fmt: skip
    small = {"labelFontSize": 9, "labelOverlap": False, "labelLimit": 150}
    square = alt.Y("other:N", title=None, sort=None, axis=alt.Axis(**small))
    alike = data.mark_rect().encode(
        x=alt.X("explainer:N", title=None, sort=None, axis=alt.Axis(labelAngle=-90, **small)),
        y=square,
        color=alt.Color("value:Q", title="likeness",
                        scale=alt.Scale(scheme="purpleorange", domain=[-1, 1], reverse=True)),
        tooltip=["explainer:N", "other:N", alt.Tooltip("value:Q", format=".3")],
    )  # fmt: skip
    return [
        chart("frontier", "Cost and worth", frontier,
              "The grey line joins those that nothing cheaper reaches, others what samples at "
              "several budgets; dashed: controls.", 340),
        chart("alike", "How alike they are", alike,
              "Means over images; those that are alike stand together.", step=12),
        chart("curves", "As pixels go, or come", lines,
              "Of the images classified correctly: Grad-CAM, those that nothing cheaper "
              "reaches, the first of the controls and the next."),
    ]  # fmt: skip


def of_training() -> list[Chart]:
    """The charts of the page of training."""
    import altair as alt

    data = alt.Chart(alt.NamedData(name=SELECTION))
    step = alt.X("step:Q", title="step")
    losses = data.mark_line(opacity=0.8).encode(
        x=step, y=alt.Y("loss:Q", title="loss of an image",
                        scale=alt.Scale(type="symlog", constant=0.01)),
        color=colour("column"), detail="seed:N",
        tooltip=["column:N", "seed:N", "step:Q", alt.Tooltip("loss:Q", format=".3")],
    )  # fmt: skip
    parting = data.mark_line(interpolate="step-after").encode(
        x=alt.X("step:Q", title="step", scale=alt.Scale(type="log")),
        y=alt.Y("apart:Q", title="largest difference so far", scale=alt.Scale(type="log"),
                axis=alt.Axis(format=".0e")),
        color=colour("pair"), detail="seed:N",
        tooltip=["pair:N", "seed:N", "step:Q", alt.Tooltip("apart:Q", format=".2e")],
    )  # fmt: skip
    square = data.encode(
        x=alt.X("predicted:N", title="taken for", axis=alt.Axis(labelAngle=-40), sort=None),
        y=alt.Y("true:N", title="class", sort=None),
        tooltip=["true:N", "predicted:N", "images:Q"],
    )
    confusion = square.mark_rect().encode(
        color=alt.Color(
            "images:Q", scale=alt.Scale(scheme="viridis", type="symlog"), title="images"
        )
    )
    return [
        chart("losses", "Loss", losses, "Means over blocks of steps where they are many."),
        chart("parting", "Where two columns part", parting,
              "Relative to the larger loss; from the same weights and batches."),
        chart("confusion", "What is taken for what", confusion,
              "Of the column that is picked, all seeds together."),
    ]  # fmt: skip
