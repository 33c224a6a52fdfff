"""Charts of timed cells: batches, the price of compiling, modes, and forward passes."""

from __future__ import annotations

from typing import Any

from bench.report.charts import SELECTION, Chart, chart, colour, dotted


def every() -> list[Chart]:
    """The charts of the page on which people choose."""
    return [batches(), price(), jit(), forward()]


def _timed() -> tuple[Any, list[Any]]:
    """The selection's data, and what is told of each of its points."""
    import altair as alt

    data = alt.Chart(alt.NamedData(name=SELECTION))
    return data, ["what:N", "column:N", "mode:N", "batch:Q",
                  alt.Tooltip("ms_per_image:Q", format=".3")]  # fmt: skip


def batches() -> Chart:
    """Milliseconds an image over the batch, above what launching and computing take at least."""
    import altair as alt

    data, tips = _timed()
    x = alt.X("batch:Q", title="images of a call", scale=alt.Scale(type="log", base=2))
    title = "ms an image"
    ms = alt.Y("ms_per_image:Q", title=title, scale=alt.Scale(type="log", nice=False))
    bound = (
        data.transform_calculate(call="datum.ms_per_image * datum.batch")
        .transform_joinaggregate(image="min(ms_per_image)", launch="min(call)")
        .transform_calculate(least="max(datum.image, datum.launch / datum.batch)")
        .mark_line(color="#8a8a8a", strokeWidth=1)
    )
    sure = alt.condition("datum.sure === false", alt.value(0.35), alt.value(1))
    made = alt.layer(
        bound.encode(x=x, y=alt.Y("least:Q", title=title)),
        data.mark_rule(strokeWidth=1).encode(
            x=x, y=alt.Y("low:Q", title=title), y2="high:Q", color=colour("column")
        ),
        *dotted(data, "mode", sure, x=x, y=ms, color=colour("column"), tooltip=tips),
    )
    told = (
        "The method that is found, else Grad-CAM. Bars: intervals; faint: not to be relied on. "
        "Grey: the cheapest image, or the fastest call shared by its images, whichever is more."
    )
    return chart("batches", "Batch scaling", made, told)


def price() -> Chart:
    """Seconds until so many calls are done, compiling included: where lines cross it has paid."""
    import altair as alt

    data, tips = _timed()
    after = "(isValid(datum.before_s) ? datum.before_s : 0) + datum.call_ms / 1000 * "
    x = alt.X("calls:Q", title="calls", scale=alt.Scale(type="log"), axis=alt.Axis(format="~s"))
    y = alt.Y("seconds:Q", title="seconds until they are done", scale=alt.Scale(type="log"))
    lines = (
        data.transform_calculate(power="sequence(0, 5.05, 0.1)")
        .transform_flatten(["power"])
        .transform_calculate(calls="pow(10, datum.power)", seconds=after + "pow(10, datum.power)")
    )
    legend = alt.Legend(symbolType="stroke", symbolStrokeColor="#8a8a8a", symbolStrokeWidth=2)
    dash = alt.StrokeDash("mode:N", title="mode", legend=legend)
    paid = (
        data.transform_filter("datum.break_even >= 1 && datum.break_even <= 1e5")
        .transform_calculate(calls="datum.break_even", seconds=after + "datum.break_even")
        .mark_point(filled=True, size=80, opacity=1)
    )
    calls = alt.Tooltip("break_even:Q", title="break-even calls", format=".3")
    made = alt.layer(
        lines.mark_line().encode(x=x, y=y, color=colour("column"), strokeDash=dash),
        paid.encode(x=x, y=y, color=colour("column"), tooltip=[*tips, calls]),
    )
    told = "From the compiler's start on; a dot: compiling has paid, where the two are told apart."
    return chart("price", "When compiling pays", made, told)


def jit() -> Chart:
    """Every mode of every column at one batch, with intervals."""
    import altair as alt

    data, tips = _timed()
    across = alt.X("ms_per_image:Q", title="ms an image", scale=alt.Scale(type="log"))
    column = alt.Y("column:N", title=None)
    offset = alt.YOffset("mode:N")
    made = alt.layer(
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
    return chart("jit", "What each mode takes", made, "At the batch selected. Lines: intervals.")


def forward() -> Chart:
    """What each method costs in forward passes."""
    import altair as alt

    data, tips = _timed()
    made = data.mark_point(filled=True, size=80).encode(
        x=alt.X("forward_ratio:Q", title="times the forward pass", scale=alt.Scale(type="log")),
        y=alt.Y("what:N", title=None, sort=alt.SortField("forward_ratio")),
        color=colour("column"), shape=alt.Shape("column:N", legend=None),
        tooltip=[*tips, alt.Tooltip("forward_ratio:Q", title="× forward pass", format=".3")],
    )  # fmt: skip
    told = "Each column's best mode over its own best forward pass of the same run."
    return chart("forward", "Each method over a forward pass", made, told)
