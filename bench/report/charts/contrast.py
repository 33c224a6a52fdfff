"""Charts of what explainers are worth, how alike they are, and their curves."""

from __future__ import annotations

from bench.report.charts import SELECTION, Chart, chart, colour, dotted

STAGGERED = 3
"""In how many columns the labels of controls stand, so that neighbours do not overlap."""
LABEL = 95
"""How wide such a column is, in pixels."""


def every() -> list[Chart]:
    """The charts of the page of contrast: cost against worth, likeness, and curves."""
    return [frontier(), alike(), curves()]


def frontier() -> Chart:
    """Cost against worth: points, those that nothing cheaper reaches, budgets, controls.

    The rows' `kind` says which a row is: point, front, budget or control.
    """
    import altair as alt

    data = alt.Chart(alt.NamedData(name=SELECTION))
    value = alt.Y("value:Q", title="score", scale=alt.Scale(zero=False))
    tips = ["explainer:N", "column:N", alt.Tooltip("cost:Q", format=".3"),
            alt.Tooltip("value:Q", format=".3"), alt.Tooltip("low:Q", format=".3"),
            alt.Tooltip("high:Q", format=".3"), "n:Q"]  # fmt: skip
    cost = alt.X(
        "cost:Q", title="cost: evaluations an image, or milliseconds", scale=alt.Scale(type="log")
    )
    points = data.transform_filter("datum.kind == 'point'")
    front = data.transform_filter("datum.kind == 'front'")
    controls = data.transform_filter("datum.kind == 'control'")
    budgets = data.transform_filter("datum.kind == 'budget'")
    made = alt.layer(
        controls.mark_rule(strokeDash=[4, 4], color="#8a8a8a").encode(y=value, tooltip=tips),
        *(
            controls.transform_window(place="row_number()", sort=[alt.SortField("value")])
            .transform_filter(f"datum.place % {STAGGERED} == {place}")
            .mark_text(align="left", dx=4 + LABEL * place, dy=-4, color="#8a8a8a")
            .encode(x=alt.value(0), y=value, text="explainer:N")
            for place in range(STAGGERED)
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
    told = (
        "The grey line joins those that nothing cheaper reaches, others what samples at several "
        "budgets; bars: intervals over images; dashed: controls."
    )
    return chart("frontier", "Cost and worth", made, told, 340)


def alike() -> Chart:
    """How alike the maps of any two explainers are, a square for each pair."""
    import altair as alt

    data = alt.Chart(alt.NamedData(name=SELECTION))
    small = {"labelFontSize": 9, "labelOverlap": False, "labelLimit": 150}
    square = alt.Y("other:N", title=None, sort=None, axis=alt.Axis(**small))
    made = data.mark_rect().encode(
        x=alt.X("explainer:N", title=None, sort=None, axis=alt.Axis(labelAngle=-90, **small)),
        y=square,
        color=alt.Color("value:Q", title="likeness",
                        scale=alt.Scale(scheme="purpleorange", domain=[-1, 1], reverse=True)),
        tooltip=["explainer:N", "other:N", alt.Tooltip("value:Q", format=".3")],
    )  # fmt: skip
    return chart(
        "alike",
        "How alike they are",
        made,
        "Means over images; those that are alike stand together.",
        step=12,
    )


def curves() -> Chart:
    """What is left of the probability, or of the likeness, as pixels or weights change."""
    import altair as alt

    data = alt.Chart(alt.NamedData(name=SELECTION))
    x = alt.X("at:Q", title="share removed, shown or drawn anew")
    y = alt.Y("value:Q", title="probability, or likeness")
    tips = ["explainer:N", "curve:N", "at:Q", alt.Tooltip("value:Q", format=".3")]
    made = alt.layer(
        data.mark_area(opacity=0.05).encode(
            x=x, y=alt.Y("low:Q", title="probability, or likeness"), y2="high:Q",
            color=colour("explainer"), detail="curve:N",
        ),
        *dotted(data, "curve", x=x, y=y, color=colour("explainer"), tooltip=tips),
    )  # fmt: skip
    told = (
        "Of the images classified correctly: Grad-CAM, those that nothing cheaper reaches, the "
        "first of the controls and the next. Areas: intervals over images."
    )
    return chart("curves", "As pixels go, or come, or weights are drawn anew", made, told)
