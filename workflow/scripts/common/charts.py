"""The charts: one function each, one theme."""

from collections.abc import Callable, Mapping
from pathlib import Path

import altair as alt
import polars as pl

from workflow.scripts.common.files import replacing
from workflow.scripts.common.history import NOT_IN_SCHEMA

# Okabe and Ito's colours ("Color Universal Design", 2008) without yellow and black, which get lost
# on a white or a black page. Beyond six lines, dashes tell those of one colour apart..
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"]

DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3]]

AnyChart = alt.LayerChart | alt.HConcatChart


def loss_by_seconds(histories: pl.DataFrame, title: str, clock: str) -> AnyChart:
    """Draw the chapter's figure: the training loss against time, a line for each run.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.
    title : str
    clock : {"training", "wall"}
        The seconds to draw against.

    Returns
    -------
    altair.LayerChart
    """
    chart: alt.LayerChart = _lines(
        histories,
        alt.X(f"{clock}_seconds:Q", title="time (seconds)").scale(nice=False),
        alt.Y("training_loss:Q", title="loss"),
    )
    titled = _title(histories, title, clock)
    return chart.properties(width=600, height=400, title=titled)


def learning_by_iteration(histories: pl.DataFrame, title: str, clock: str) -> AnyChart:
    """Draw the loss and the accuracy against the iteration, side by side.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.
    title : str
    clock : {"training", "wall"}
        The clock of the budget, for the subtitle.

    Returns
    -------
    altair.HConcatChart
    """
    iteration = alt.X("step:Q", title="iteration").scale(nice=False).axis(tickMinStep=1)
    pair = [
        _lines(histories, iteration, alt.Y("training_loss:Q", title="loss")),
        _lines(histories, iteration, alt.Y("test_accuracy:Q", title="accuracy (%)")),
    ]
    charts = [chart.properties(width=400, height=300) for chart in pair]
    return alt.hconcat(*charts, title=_title(histories, title, clock))


CHARTS: Mapping[str, Callable[[pl.DataFrame, str, str], AnyChart]] = {
    "loss_by_seconds": loss_by_seconds,
    "learning_by_iteration": learning_by_iteration,
}


def save(chart: AnyChart, path: Path) -> None:
    """Write a chart, whole or not at all.

    Parameters
    ----------
    chart : altair.Chart
    path : Path
        Its suffix says how: `.svg`, `.png` (at twice the size) or `.json` (Vega-Lite).
    """
    with replacing(path) as temporary:
        chart.save(temporary, scale_factor=2 if path.suffix == ".png" else 1)


def series_names(histories: pl.DataFrame) -> pl.Series:
    """Name the run of each row as the chapter names it, and by whatever else tells it apart.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.

    Returns
    -------
    polars.Series of String
        "Stochastic GD" for batch size 1, "Batch GD" for all examples, else "Batch 32"; with, for
        example, ", learning_rate 0.1" where the experiment has several learning rates, and
        "(contended)" or "(diverged)" where the run was or did so.
    """
    batch_name = (
        pl.when(pl.col("batch_size") == 1)
        .then(pl.lit("Stochastic GD"))
        .when(pl.col("batch_size") == pl.col("training_images"))
        .then(pl.lit("Batch GD"))
        .otherwise(pl.format("Batch {}", "batch_size"))
    )
    telling = [key for key in _TELLING if histories[key].n_unique() > 1]
    others = [pl.format(f", {key} {{}}", pl.col(key)) for key in telling]
    marks = [
        pl.when("contended").then(pl.lit(" (contended)")).otherwise(pl.lit("")),
        pl.when(pl.col("stopped") == "diverged").then(pl.lit(" (diverged)")).otherwise(pl.lit("")),
    ]
    return histories.select(pl.concat_str(batch_name, *others, *marks).alias("series"))["series"]


_TELLING = ("dataset", "learning_rate", "hidden_nodes", "seed", *NOT_IN_SCHEMA)


def _lines(histories: pl.DataFrame, x: alt.X, y: alt.Y) -> alt.LayerChart:
    """Draw a line for each run, with a point for each evaluation."""
    drawn = histories.with_columns(series_names(histories)).select(
        "series",
        "batch_size",
        "step",
        "training_seconds",
        "wall_seconds",
        "training_loss",
        "test_accuracy",
    )
    in_order = drawn.sort("batch_size", maintain_order=True)["series"].unique(maintain_order=True)
    names = in_order.to_list()
    colours = [COLOURS[place % len(COLOURS)] for place in range(len(names))]
    dashes = [DASHES[place // len(COLOURS) % len(DASHES)] for place in range(len(names))]
    lines = alt.Chart(drawn).encode(
        x,
        y,
        alt.Color("series:N", title="type")
        .scale(domain=names, range=colours)
        .legend(labelLimit=400, symbolLimit=100),
        alt.StrokeDash("series:N", title="type").scale(domain=names, range=dashes),
        alt.Order("step:Q"),
    )
    points = lines.mark_point(filled=True, size=12, opacity=1)
    return alt.LayerChart(layer=[lines.mark_line(), points])


def _title(histories: pl.DataFrame, title: str, clock: str) -> alt.TitleParams:
    datasets = ", ".join(histories["dataset"].unique().sort())
    evaluation = "off the clock" if clock == "training" else "on the clock"
    machines = ", ".join(histories["machine"].unique().sort())
    return alt.TitleParams(
        title, subtitle=f"{datasets} · evaluation {evaluation} · {machines}", anchor="start"
    )


@alt.theme.register("batch_race", enable=True)
def _theme() -> alt.theme.ThemeConfig:
    grey = "#595959"
    return {
        "config": {
            # White under the chart: it stays legible on a dark page.
            "background": "white",
            "padding": 12,
            "font": "Helvetica, Arial, 'DejaVu Sans', sans-serif",
            "title": {"fontSize": 16, "subtitleFontSize": 12, "subtitleColor": grey, "offset": 12},
            "axis": {
                "labelFontSize": 12,
                "labelFlush": False,
                "labelOverlap": True,
                "titleFontSize": 13,
                "titleFontWeight": "normal",
                "gridColor": "#e5e5e5",
                "domainColor": grey,
                "tickColor": grey,
            },
            "legend": {"labelFontSize": 12, "titleFontSize": 12},
            "line": {"strokeWidth": 2},
            "view": {"stroke": None},
        }
    }


# The histories' number of rows is the experiment's business, not a limit of Altair's.
alt.data_transformers.disable_max_rows()
