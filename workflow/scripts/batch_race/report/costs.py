"""Charts of medians against the batch size."""

from typing import Any

import altair as alt
import polars as pl

from batch_race.analyze.comparison import best_of_each_batch_size
from batch_race.analyze.targets import describe_target
from batch_race.hyperparameters import GROUP
from batch_race.report import curves, notes, series, theme
from batch_race.report.groups import describe_values, varying_parameters
from batch_race.report.theme import AnyChart


def to_target(summary: pl.DataFrame, cost: str, title: str, clock: str) -> AnyChart:
    """Draw what each target costs against the batch size, each at its best learning rate.

    Parameters
    ----------
    summary : polars.DataFrame
        As `statistics.summarize` makes it.
    cost : {"seconds", "steps", "examples"}
    title : str
    clock : {"training", "wall"}
        The clock of the budget, for the subtitle.

    Returns
    -------
    altair.LayerChart
    """
    varying = varying_parameters(summary, GROUP)
    asked = summary.filter(pl.col("measure") == cost).to_dicts()
    names = list(dict.fromkeys(name_target(row, varying) for row in asked))
    best = best_of_each_batch_size(summary, cost).to_dicts()
    rows = [row | {"series": name_target(row, varying)} for row in best]
    chart = against_batch_size(rows, names, f"{cost} to target", "target")
    has_several_rates = summary["learning_rate"].n_unique() > 1
    note = "each batch size at its best learning rate" if has_several_rates else ""
    subtitle = (notes.evaluation(clock), note, notes.bars(summary), notes.contended(summary))
    titled = theme.title(summary, title, *subtitle)
    return theme.with_legend(chart.properties(width=600, height=400, title=titled), names)


def name_target(row: dict[str, Any], varying: list[str]) -> str:
    """Return a target and its comparison group's values of the varying parameters as text."""
    return describe_target(row) + describe_values(row, varying)


def against_batch_size(
    rows: list[dict[str, Any]], names: list[str], y_title: str, legend: str
) -> alt.LayerChart:
    """Draw medians against the batch size, on logarithmic axes, with intervals as bars.

    Parameters
    ----------
    rows : list of dict
        With series, batch_size, median, low and high; low and high may be None.
    names : list of str
        Of the series, in order.
    y_title : str
    legend : str
        The legend's title.

    Returns
    -------
    altair.LayerChart
    """
    columns: dict[str, type[pl.DataType]] = {"series": pl.String, "batch_size": pl.Int64}
    columns |= dict.fromkeys(("median", "low", "high"), pl.Float64)
    shown = [{key: row[key] for key in columns} for row in rows]
    # A logarithmic axis has no 0.
    table = pl.DataFrame(shown, schema=columns).filter(pl.col("median") > 0)
    log = alt.Scale(type="log", nice=False, padding=8)
    sizes = table["batch_size"].unique().sort().to_list()
    # A tick for each batch size, unless there are too many.
    ticks = sizes if len(sizes) <= curves.MOST_CURVES else alt.Undefined
    x_axis = alt.X("batch_size:Q", title="batch size", scale=log).axis(values=ticks, format="d")
    chart = alt.Chart(table).encode(x_axis, *series.encodings(names, legend))
    lines = chart.encode(alt.Y("median:Q", title=y_title, scale=log))
    intervals = chart.mark_rule().encode(alt.Y("low:Q", title=y_title), alt.Y2("high:Q"))
    layers = [lines.mark_line(), lines.mark_point(filled=True, size=40, opacity=1)]
    if table["low"].count():
        layers.insert(0, intervals)
    return alt.LayerChart(layer=layers)
