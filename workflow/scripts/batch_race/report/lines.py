"""Line charts of histories."""

import altair as alt
import polars as pl

from batch_race.report import curves, notes, series, theme
from batch_race.report.theme import AnyChart

MOST_POINTS = 120
"""Evaluations of a curve up to which each is drawn as a point; of more, the line is enough."""


def panel(
    named: pl.DataFrame, names: list[str], x: str, y: str, x_title: str, *, is_log: bool = False
) -> alt.LayerChart:
    """Draw a line for each series, with a band from the lowest to the highest seed.

    Parameters
    ----------
    named : polars.DataFrame
        Collected histories with the column `series`, as `series.in_order` makes them.
    names : list of str
        Of the series, in order.
    x : str
        A column.
    y : {"training_loss", "test_accuracy"}
    x_title : str
    is_log : bool
        Whether the axis of x is logarithmic, and that of a loss, unless a loss is 0.

    Returns
    -------
    altair.LayerChart
    """
    bands = curves.band(named, x, y, ["series"])
    if is_log or x == "iteration":  # the first iteration is 1
        bands = bands.filter(pl.col(x) > 0)
    thinned = curves.thin(bands, x, y, ["series"], is_log=is_log)
    x_axis = alt.X(f"{x}:Q", title=x_title).scale(type="log" if is_log else "linear", nice=False)
    if x in ("step", "iteration"):
        x_axis = x_axis.axis(tickMinStep=1)
    # A logarithmic axis has no 0, and an accuracy needs none.
    has_log_y = is_log and y == "training_loss" and thinned.filter(pl.col("low") <= 0).is_empty()
    y_scale = alt.Scale(type="log" if has_log_y else "linear", nice=not has_log_y)
    y_title = curves.Y_TITLES[y]
    chart = alt.Chart(thinned).encode(x_axis, *series.encodings(names, "type"))
    lines = chart.encode(alt.Y(f"{y}:Q", title=y_title, scale=y_scale), alt.Order(f"{x}:Q"))
    counts = thinned.group_by("series", maintain_order=True).len()
    sparse = counts.filter(pl.col("len") <= MOST_POINTS)["series"].to_list()
    is_sparse = alt.FieldOneOfPredicate(field="series", oneOf=sparse)
    # A description of each point, for screen readers, would be most of the file.
    points = lines.mark_point(filled=True, size=12, opacity=1, aria=False).transform_filter(
        is_sparse
    )
    layers = [lines.mark_line(), points]
    if named["seed"].n_unique() > 1:
        spread = chart.mark_area(opacity=0.2 if len(names) <= len(theme.COLOURS) else 0.1)
        low = alt.Y("low:Q", title=y_title, scale=y_scale)
        layers.insert(0, spread.encode(low, alt.Y2("high:Q")))
    return alt.LayerChart(layer=layers)


def grid(histories: pl.DataFrame, y: str, title: str, clock: str) -> AnyChart:
    """Draw curves against each measure of cost, one row for each, linear and logarithmic.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.
    y : {"training_loss", "test_accuracy"}
    title : str
    clock : {"training", "wall"}
        The clock of the budget, for the subtitle.

    Returns
    -------
    altair.VConcatChart
    """
    chosen, note = curves.choose(histories)
    named, names = series.in_order(chosen)
    rows = []
    for x, x_title in curves.X_TITLES.items():
        pair = [
            panel(named, names, x, y, x_title, is_log=is_log).properties(width=340, height=220)
            for is_log in (False, True)
        ]
        rows.append(alt.hconcat(*pair))
    titled = theme.title(histories, title, notes.evaluation(clock), note)
    return theme.with_legend(alt.vconcat(*rows, title=titled), names, width=750)
