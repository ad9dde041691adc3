"""Curves of histories, with as many curves and points as a chart can show."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from batch_race.hyperparameters import CONFIGURATION, GROUP, RUN

X_TITLES = {
    "training_seconds": "seconds of training",
    "wall_seconds": "seconds in total",
    "step": "steps",
    "examples": "examples",
}
"""The columns of a history that measure cost, with the titles of their axes."""

Y_TITLES = {"training_loss": "loss", "test_accuracy": "accuracy (%)"}
"""The columns that are drawn against cost, with the titles of their axes."""

TARGETS = {"training_loss": "loss", "test_accuracy": "accuracy"}
"""The targets of each column that is drawn."""

MOST_CURVES = 16

_FLAT = 0.01

_POINTS_BEFORE = 24
"""Points of a curve between the beginning of a logarithmic axis and its first evaluation there."""

COLUMNS = 2400
"""Half pixels, since lines are antialiased, of the widest chart: 600 pixels at twice the size."""


def choose(histories: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Return the histories of as many configurations as a chart can show.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.

    Returns
    -------
    histories : polars.DataFrame
        Those of all configurations, if they are at most `MOST_CURVES`; else of each comparison
        group and batch size those with the best learning rate, which ended with the lowest loss;
        and of these the `MOST_CURVES` that ended lowest.
    note : str
        Which configurations these are; empty if they are all.
    """
    ends = (
        histories.group_by(RUN)
        .agg(pl.col("training_loss").sort_by("wall_seconds").last())
        .with_columns(pl.when(pl.col("training_loss").is_finite()).then("training_loss"))
        .group_by(CONFIGURATION)
        .agg(pl.col("training_loss").fill_null(np.inf).median())
        .sort("training_loss", *CONFIGURATION)
    )
    if len(ends) <= MOST_CURVES:
        return histories, ""
    best = ends.unique([*GROUP, "batch_size"], keep="first", maintain_order=True)
    note = "each batch size at its best learning rate"
    if len(best) > MOST_CURVES:
        note = f"the {MOST_CURVES} lowest of {len(best)} curves, {note}"
        best = best.head(MOST_CURVES)
    chosen = histories.join(best, on=CONFIGURATION, how="semi", maintain_order="left")
    return chosen, note


def band(histories: pl.DataFrame, x: str, y: str, keys: Sequence[str]) -> pl.DataFrame:
    """Compute the median and the extremes over the seeds of each configuration.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.
    x, y : str
        Columns. Between evaluations, y is interpolated linearly.
    keys : sequence of str
        The columns that identify a configuration.

    Returns
    -------
    polars.DataFrame
        The keys, x, y (the median over seeds), low and high (the extremes), up to the first end of
        a configuration's seeds. A single seed's curve is unchanged. What is not finite is null,
        since JSON has no infinity.
    """
    parts = []
    for configuration in histories.partition_by(keys, maintain_order=True):
        seeds = [
            seed.sort("wall_seconds").select(pl.col(x, y).cast(pl.Float64)).to_numpy()
            for seed in configuration.partition_by("seed")
        ]
        end = min(curve[-1, 0] for curve in seeds)
        points = np.unique(np.concatenate([curve[:, 0] for curve in seeds]))
        points = points[points <= end]
        values = np.array([np.interp(points, curve[:, 0], curve[:, 1]) for curve in seeds])
        table = pl.DataFrame(
            {x: points, y: np.median(values, axis=0), "low": values.min(0), "high": values.max(0)}
        )
        constants = configuration.select(keys).head(1)
        parts.append(constants.join(table, how="cross"))
    numbers = pl.col(y, "low", "high")
    return pl.concat(parts).with_columns(pl.when(numbers.is_finite()).then(numbers))


def log_start(bands: pl.DataFrame, x: str, y: str) -> float:
    """Return where a logarithmic axis of x begins: before it, all curves are flat.

    Parameters
    ----------
    bands : polars.DataFrame
        As `band` makes it; with a row above 0.
    x, y : str
        Columns.

    Returns
    -------
    float
        The last x before the first point at which a curve is more than `_FLAT` of the range of y
        away from its beginning; at least the lowest x above 0.
    """
    begin = pl.col(y).first().over("series")
    span = pl.col(y).max() - pl.col(y).min()
    is_flat = (pl.col(y) - begin).abs() <= _FLAT * span
    positive = pl.col(x) > 0
    lowest = bands.filter(positive)[x].to_list()
    changed = bands.filter(positive, ~is_flat)[x].to_list()
    flat = [value for value in lowest if value < min(changed, default=0)]
    return float(max(flat, default=min(lowest)))


def on_log_axis(bands: pl.DataFrame, x: str, y: str, start: float) -> pl.DataFrame:
    """Return curves from the beginning of a logarithmic axis on.

    Parameters
    ----------
    bands : polars.DataFrame
        As `band` makes it, with the column `series`.
    x, y : str
        Columns.
    start : float
        Where the axis begins, above 0.

    Returns
    -------
    polars.DataFrame
        The points that are not before it. A curve that has points on both sides also has some in
        between, on its straight line to the first point that is kept.
    """
    parts = []
    for curve in bands.partition_by("series", maintain_order=True):
        kept = curve.filter(pl.col(x) >= start)
        if kept.height and kept.height < curve.height and kept[x][0] > start:
            between = np.geomspace(start, kept[x][0], _POINTS_BEFORE, endpoint=False)
            along = curve[x].to_numpy()
            before = {
                name: np.interp(between, along, curve[name].cast(pl.Float64).to_numpy())
                for name in (y, "low", "high")
            }
            added = pl.DataFrame({"series": curve["series"][0], x: between} | before)
            kept = pl.concat([added.fill_nan(None).select(kept.columns), kept])
        parts.append(kept)
    return pl.concat(parts)


def exits(bands: pl.DataFrame, x: str, y: str, top: float, *, is_log: bool) -> pl.DataFrame:
    """Return where diverged curves leave a chart.

    Parameters
    ----------
    bands : polars.DataFrame
        As `band` makes it, with the column `series`, of runs that diverged.
    x, y : str
        Columns.
    top : float
        The upper end of the axis of y.
    is_log : bool
        Whether both axes are logarithmic.

    Returns
    -------
    polars.DataFrame
        series, x and y of the point where a curve passes `top`, or of its last point below it if no
        finite point follows; no row for a curve that stays below.
    """
    found: dict[str, list[Any]] = {"series": [], x: [], y: []}
    scale, back = (np.log, np.exp) if is_log else (np.positive, np.positive)
    for curve in bands.partition_by("series", maintain_order=True):
        points = curve.select(pl.col(x, y).cast(pl.Float64)).fill_null(np.inf).to_numpy()
        (beyond,) = np.nonzero(points[:, 1] > top)
        if not len(beyond):
            continue
        last, after = points[max(beyond[0] - 1, 0)], points[beyond[0]]
        at = last[0]
        if np.isfinite(after[1]) and last[1] < top:
            at = back(np.interp(scale(top), scale([last[1], after[1]]), scale([last[0], after[0]])))
        passed = top if np.isfinite(after[1]) else min(last[1], top)
        for name, value in (("series", curve["series"][0]), (x, float(at)), (y, float(passed))):
            found[name].append(value)
    return pl.DataFrame(found, schema={"series": pl.String, x: pl.Float64, y: pl.Float64})


def thin(
    curves: pl.DataFrame,
    x: str,
    y: str,
    keys: Sequence[str],
    *,
    is_log: bool = False,
    columns: int = COLUMNS,
) -> pl.DataFrame:
    """Remove the points of each curve that change no pixel.

    Of each column the first, last, lowest and highest point are kept: a line through these colours
    the same pixels as one through all (M4; Jugel, Jerzak, Hackenbroich and Markl, "M4: A
    Visualization-Oriented Time Series Data Aggregation", 2014).

    Parameters
    ----------
    curves : polars.DataFrame
    x, y : str
        Columns; the axis of x reaches from its minimum to its maximum.
    keys : sequence of str
        The columns that identify a curve.
    is_log : bool
        Whether that axis is logarithmic; x must be above 0.
    columns : int
        How many columns that axis is divided into.

    Returns
    -------
    polars.DataFrame
        The rows that are kept, in their order.
    """
    along = pl.col(x).log() if is_log else pl.col(x)
    span = along.max() - along.min()
    column = ((along - along.min()) / span * columns).floor().alias("column")
    index = pl.int_range(pl.len()).alias("index")
    rows = curves.with_columns(index, column)
    kept = rows.group_by(*keys, "column").agg(
        pl.col("index").sort_by(x).first().alias("first"),
        pl.col("index").sort_by(x).last().alias("last"),
        pl.col("index").sort_by(y, nulls_last=True).first().alias("lowest"),
        pl.col("index").sort_by(y, nulls_last=False).last().alias("highest"),
    )
    indices = pl.concat(kept[name] for name in ("first", "last", "lowest", "highest")).unique()
    return curves[indices.sort()]
