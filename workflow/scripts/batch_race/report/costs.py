"""Charts of medians against the batch size."""

from collections.abc import Collection, Sequence
from itertools import chain
from typing import Any

import altair as alt
import polars as pl

from batch_race.analyze.comparison import best_of_each_batch_size
from batch_race.analyze.targets import describe_target
from batch_race.hyperparameters import GROUP
from batch_race.report import axes, colours, curves, notes, style, theme
from batch_race.report.context import Context
from batch_race.report.groups import describe_values, varying_parameters
from batch_race.report.theme import AnyChart

FEWEST = 3
"""Batch sizes that a line connects: of fewer, it would show a trend that nobody measured."""

HOLLOW = "hollow: target not reached by then"

SHAPES = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down")

Rows = Sequence[dict[str, Any]]


def to_target(summary: pl.DataFrame, cost: str, context: Context) -> AnyChart:
    """Draw what each target costs against the batch size, each at its best learning rate.

    Parameters
    ----------
    summary : polars.DataFrame
        As `statistics.summarize` makes it.
    cost : {"seconds", "steps", "examples"}
    context : Context

    Returns
    -------
    altair.LayerChart
    """
    varying = varying_parameters(summary, GROUP)
    asked = summary.filter(pl.col("measure") == cost)
    best = best_of_each_batch_size(summary, cost)
    reached, missed = (
        [row | {"series": name_target(row, varying)} for row in table.to_dicts()]
        for table in (best, _missed(asked, best))
    )
    names = list(dict.fromkeys(name_target(row, varying) for row in asked.to_dicts()))
    drawn = {row["series"] for row in (*reached, *missed)}
    is_single = len(drawn) == 1  # which the axis names, so it needs no legend
    y_title = f"{cost} to {drawn.pop() if is_single else 'target'}"
    chart = against_batch_size(reached, names, y_title, None if is_single else "target", missed)
    has_several_rates = summary["learning_rate"].n_unique() > 1
    notes_shown = (
        notes.evaluation(context.clock) if cost == "seconds" else "",
        "each batch size at its best learning rate" if has_several_rates else "",
        notes.bars(summary) if reached else "",
        HOLLOW if missed else "",
        notes.contended(summary),
    )
    titled = theme.title(summary, f"{cost.capitalize()} to each target", context, *notes_shown)
    return theme.with_legend(chart.properties(width=600, height=400, title=titled), names)


def name_target(row: dict[str, Any], varying: list[str]) -> str:
    """Return a target and its comparison group's values of the varying parameters as text."""
    return describe_target(row) + describe_values(row, varying)


def against_batch_size(
    rows: Rows, names: Sequence[str], y_title: str, legend: str | None, missed: Rows = ()
) -> alt.LayerChart:
    """Draw medians against the batch size, on logarithmic axes, with intervals as bars.

    The colour of a point is that of its batch size, and its shape that of its series.

    Parameters
    ----------
    rows : sequence of dict
        With series, batch_size, training_images, median, low and high; low and high may be None.
    names : sequence of str
        Of the series, in order; those without a point are left out.
    y_title : str
    legend : str or None
        The legend's title; None for no legend.
    missed : sequence of dict
        With series, batch_size, training_images and spent: each is a hollow point.

    Returns
    -------
    altair.LayerChart
    """
    points = _table(rows, ["median", "low", "high"])
    hollow = _table(missed, ["spent"])
    used = {*points["series"], *hollow["series"]}
    shown = [name for name in names if name in used]
    pairs = (table.select("batch_size", "training_images").rows() for table in (points, hollow))
    x = _batch_sizes({*chain(*pairs)})
    numbers = [*points["median"], *points["low"], *points["high"], *hollow["spent"]]
    y_range = _range([number for number in numbers if number])

    def y(field: str) -> alt.Y:
        axis = alt.Axis(labelExpr=axes.LABELS, values=axes.log_ticks(*y_range))
        return alt.Y(f"{field}:Q", title=y_title, axis=axis, scale=axes.log_scale(*y_range))

    size = alt.Color("colour:N", scale=None)
    shapes = [SHAPES[index % len(SHAPES)] for index in range(len(shown))]
    shape = alt.Shape("series:N", title=legend).scale(domain=shown, range=shapes)
    if legend is None:
        shape = shape.legend(None)
    else:
        shape = shape.legend(
            symbolFillColor=style.GREY, symbolStrokeColor=style.GREY, symbolLimit=100
        )
    chart = alt.Chart(points).encode(x)
    layers = []
    connected = points.filter(pl.len().over("series") >= FEWEST)
    if connected.height:
        line = chart.mark_line(color=style.GREY, strokeWidth=1.5, opacity=0.7)
        layers.append(line.encode(y("median"), alt.Detail("series:N")).properties(data=connected))
    if points["low"].count():
        bars = chart.mark_rule(strokeWidth=2).encode(y("low"), alt.Y2("high:Q"), size)
        layers.append(bars)
    if hollow.height:
        mark = chart.mark_point(filled=False, size=70, strokeWidth=2, opacity=1)
        layers.append(mark.encode(y("spent"), size, shape).properties(data=hollow))
    filled = chart.mark_point(filled=True, size=70, opacity=1)
    layers.append(filled.encode(y("median"), size, shape))
    return alt.LayerChart(layer=layers)


def _missed(asked: pl.DataFrame, best: pl.DataFrame) -> pl.DataFrame:
    """Return what the batch sizes that missed a target spent, with no learning rate less.

    Parameters
    ----------
    asked : polars.DataFrame
        The rows of a summary of one cost.
    best : polars.DataFrame
        As `best_of_each_batch_size` gives them: the batch sizes that reached the target.

    Returns
    -------
    polars.DataFrame
        With series' columns, batch_size and spent. Without the batch sizes of which it is unknown
        whether they reach the target, and those whose runs all diverged.
    """
    question = [*GROUP, "target", "target_value"]
    is_race = pl.col("initial").sum().over(question) == 0
    others = asked.filter(is_race).join(best, on=[*question, "batch_size"], how="anti")
    is_known = (pl.col("unknown") == 0).all().over([*question, "batch_size"])
    spent = others.filter(is_known).group_by([*question, "batch_size"], maintain_order=True)
    return spent.agg(pl.col("spent").min()).drop_nulls("spent")


def _table(rows: Rows, numbers: Sequence[str]) -> pl.DataFrame:
    """Return the columns that are drawn; a logarithmic axis has no 0."""
    columns: dict[str, type[pl.DataType]] = {"series": pl.String}
    columns |= dict.fromkeys(("batch_size", "training_images"), pl.Int64)
    columns |= dict.fromkeys(numbers, pl.Float64) | {"colour": pl.String}
    shown = [
        {"colour": colours.of_batch_size(row["batch_size"])}
        | {key: row[key] for key in columns if key != "colour"}
        for row in rows
    ]
    return pl.DataFrame(shown, schema=columns).filter(pl.col(numbers[0]) > 0)


def _batch_sizes(pairs: Collection[tuple[int, int]]) -> alt.X:
    """Return the axis of batch sizes, of which each comes with its number of training images."""
    sizes = sorted({size for size, _ in pairs})
    low, high = _range(sizes)
    # A tick for each batch size, unless there are too many.
    is_few = len(sizes) <= curves.MOST_CURVES
    ticks = sizes if is_few else axes.log_ticks(low, high)
    labels = axes.batch_size_labels(pairs)
    axis = alt.Axis(values=ticks, labelExpr=labels, labelOverlap="greedy")
    return alt.X("batch_size:Q", title="batch size", axis=axis, scale=axes.log_scale(low, high))


def _range(numbers: Sequence[float]) -> tuple[float, float]:
    """Return the range of a logarithmic axis; any without a number."""
    return axes.widened(min(numbers, default=1), max(numbers, default=1))
