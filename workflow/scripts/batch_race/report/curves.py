"""From histories to as many curves, and points of them, as an eye can tell apart."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from batch_race.analyze.measures import CONFIGURATION, SETTING

MOST_CURVES = 16

COLUMNS = 2400
"""Half pixels, since lines have soft edges, of a chart as wide as it is ever drawn: 600 at twice
the size."""


def choose(histories: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Take the histories of as many configurations as a chart can show.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.

    Returns
    -------
    histories : polars.DataFrame
        Those of all configurations, if they are not too many; else of each batch size those with
        the best learning rate, the one that ended with the lowest loss; and of these, if they are
        still too many, the ones that ended lowest.
    note : str
        Says what was left out; empty if nothing was.
    """
    ends = (
        histories.group_by(*CONFIGURATION, "seed")
        .agg(pl.col("training_loss").sort_by("wall_seconds").last())
        .with_columns(pl.when(pl.col("training_loss").is_finite()).then("training_loss"))
        .group_by(CONFIGURATION)
        .agg(pl.col("training_loss").fill_null(np.inf).median())
        .sort("training_loss", *CONFIGURATION)
    )
    if len(ends) <= MOST_CURVES:
        return histories, ""
    best = ends.unique([*SETTING, "batch_size"], keep="first", maintain_order=True)
    note = "each batch size at its best learning rate"
    if len(best) > MOST_CURVES:
        note = f"the {MOST_CURVES} lowest of {len(best)} curves, {note}"
        best = best.head(MOST_CURVES)
    chosen = histories.join(best, on=CONFIGURATION, how="semi", maintain_order="left")
    return chosen, note


def band(histories: pl.DataFrame, x: str, y: str, keys: Sequence[str]) -> pl.DataFrame:
    """Lay the seeds of each configuration over each other.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.
    x, y : str
        Columns. Between evaluations, y is read off straight lines.
    keys : sequence of str
        The columns that tell the configurations apart.

    Returns
    -------
    polars.DataFrame
        The keys, x, y (the median over seeds), low and high (the extremes), as far as all seeds of
        a configuration go. A single seed's curve is as it was, but null, which JSON has a word for,
        where it is not finite.
    """
    parts = []
    for configuration in histories.partition_by(keys, maintain_order=True):
        seeds = [
            seed.sort("wall_seconds").select(pl.col(x, y).cast(pl.Float64)).to_numpy()
            for seed in configuration.partition_by("seed")
        ]
        end = min(curve[-1, 0] for curve in seeds)
        places = np.unique(np.concatenate([curve[:, 0] for curve in seeds]))
        places = places[places <= end]
        values = np.array([np.interp(places, curve[:, 0], curve[:, 1]) for curve in seeds])
        table = pl.DataFrame(
            {x: places, y: np.median(values, axis=0), "low": values.min(0), "high": values.max(0)}
        )
        constants = configuration.select(keys).head(1)
        parts.append(constants.join(table, how="cross"))
    numbers = pl.col(y, "low", "high")
    return pl.concat(parts).with_columns(pl.when(numbers.is_finite()).then(numbers))


def thin(
    curves: pl.DataFrame,
    x: str,
    y: str,
    keys: Sequence[str],
    *,
    is_log: bool = False,
    columns: int = COLUMNS,
) -> pl.DataFrame:
    """Leave out the points of each curve that no pixel would show.

    Of each column its first, last, lowest and highest point stay: a line through these colours the
    same pixels as one through all (M4; Jugel, Jerzak, Hackenbroich and Markl, "M4: A
    Visualization-Oriented Time Series Data Aggregation", 2014).

    Parameters
    ----------
    curves : polars.DataFrame
    x, y : str
        Columns; x is drawn on an axis from the least to the greatest.
    keys : sequence of str
        The columns that tell the curves apart.
    is_log : bool
        Whether that axis is logarithmic; x must be above 0.
    columns : int
        Into how many columns it is divided.

    Returns
    -------
    polars.DataFrame
        Some of the rows, in the order of x.
    """
    along = pl.col(x).log() if is_log else pl.col(x)
    span = along.max() - along.min()
    column = ((along - along.min()) / span * columns).floor().alias("column")
    place = pl.int_range(pl.len()).alias("place")
    rows = curves.with_columns(place, column)
    stay = rows.group_by(*keys, "column").agg(
        pl.col("place").sort_by(x).first().alias("first"),
        pl.col("place").sort_by(x).last().alias("last"),
        pl.col("place").sort_by(y, nulls_last=True).first().alias("lowest"),
        pl.col("place").sort_by(y, nulls_last=False).last().alias("highest"),
    )
    kept = pl.concat(stay[name] for name in ("first", "last", "lowest", "highest")).unique()
    return curves[kept.sort()]
