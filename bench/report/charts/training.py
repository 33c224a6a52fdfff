"""Charts of trainings: losses, where they part, and confusion."""

from __future__ import annotations

from bench.report.charts import SELECTION, Chart, chart, colour


def every() -> list[Chart]:
    """The charts of the page of training."""
    return [losses(), parting(), confusion()]


def losses() -> Chart:
    """Loss of an image over the steps, a line for each column and seed."""
    import altair as alt

    data = alt.Chart(alt.NamedData(name=SELECTION))
    step = alt.X("step:Q", title="step")
    made = data.mark_line(opacity=0.8).encode(
        x=step, y=alt.Y("loss:Q", title="loss of an image",
                        scale=alt.Scale(type="symlog", constant=0.01)),
        color=colour("column"), detail="seed:N",
        tooltip=["column:N", "seed:N", "step:Q", alt.Tooltip("loss:Q", format=".3")],
    )  # fmt: skip
    return chart("losses", "Loss", made, "Means over blocks of steps where they are many.")


def parting() -> Chart:
    """The largest difference of two columns' losses so far."""
    import altair as alt

    data = alt.Chart(alt.NamedData(name=SELECTION))
    made = data.mark_line(interpolate="step-after").encode(
        x=alt.X("step:Q", title="step", scale=alt.Scale(type="log")),
        y=alt.Y("apart:Q", title="largest difference so far", scale=alt.Scale(type="log"),
                axis=alt.Axis(format=".0e")),
        color=colour("pair"), detail="seed:N",
        tooltip=["pair:N", "seed:N", "step:Q", alt.Tooltip("apart:Q", format=".2e")],
    )  # fmt: skip
    told = "Relative to the larger loss; from the same weights and batches."
    return chart("parting", "Where two columns part", made, told)


def confusion() -> Chart:
    """What is taken for what."""
    import altair as alt

    data = alt.Chart(alt.NamedData(name=SELECTION))
    square = data.encode(
        x=alt.X("predicted:N", title="taken for", axis=alt.Axis(labelAngle=-40), sort=None),
        y=alt.Y("true:N", title="class", sort=None),
        tooltip=["true:N", "predicted:N", "images:Q"],
    )
    made = square.mark_rect().encode(
        color=alt.Color(
            "images:Q", scale=alt.Scale(scheme="viridis", type="symlog"), title="images"
        )
    )
    told = "Of the column that is picked, all seeds together."
    return chart("confusion", "What is taken for what", made, told)
