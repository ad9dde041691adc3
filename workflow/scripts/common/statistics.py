"""What several seeds say together."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import stats

from workflow.scripts.common.measures import CONFIGURATION

LEVEL = 0.95
"""The confidence level of all intervals."""

RESAMPLES = 2000

# A missed target stands for a number beyond all others while medians are taken of resamples.
# (Infinity would make NaN of their differences.)
_MISSED = 1e100

_ROWS_AT_ONCE = 1000  # 16 MB of medians of resamples


def summarize(measures: pl.DataFrame) -> pl.DataFrame:
    """Take the median over seeds of each measure.

    A run that missed a target counts as one that needs longer than any other: it is censored, not
    left out. Its value is beyond the median as long as more than half of the runs reached it.

    Parameters
    ----------
    measures : polars.DataFrame
        As `measures.per_run` makes it.

    Returns
    -------
    polars.DataFrame
        A row for each configuration and measure, with the columns of `CONFIGURATION`, measure,
        target, target_value, median, low, high, runs, reached, contended and diverged. low and high
        bound a 95 % interval: the percentile bootstrap (Efron and Tibshirani, "An Introduction to
        the Bootstrap", 1993, chapter 13) of the median over seeds. They are null for a single run.
        A median or bound that is not known because of runs that missed is null; `reached` says of
        how many runs there is a value.
    """
    keys = [*CONFIGURATION, "measure", "target", "target_value"]
    grouped = (
        measures.sort("seed", maintain_order=True)
        .group_by(keys, maintain_order=True)
        .agg(
            pl.col("value").fill_null(_MISSED).alias("values"),
            pl.len().cast(pl.Int64).alias("runs"),
            pl.col("value").count().cast(pl.Int64).alias("reached"),
            pl.col("contended", "diverged").sum().cast(pl.Int64),
        )
    )
    parts = []
    for alike in grouped.partition_by("runs", maintain_order=True):
        for part in alike.iter_slices(_ROWS_AT_ONCE):
            median, low, high = _intervals(np.array(part["values"].to_list()))
            parts.append(part.with_columns(median=median, low=low, high=high))
    bounds = ("median", "low", "high")
    known = (pl.when(pl.col(name) < _MISSED / 1e10).then(name).alias(name) for name in bounds)
    return (
        pl.concat(parts)
        .with_columns(known)
        .sort(CONFIGURATION, maintain_order=True)  # the targets stay as they were configured
        .select(*keys, *bounds, "runs", "reached", "contended", "diverged")
    )


def paired_ratio(
    times: Sequence[float], others: Sequence[float]
) -> tuple[float, float | None, float | None]:
    """Tell how many times as long another configuration takes, seed by seed.

    Parameters
    ----------
    times, others : sequence of float
        The seconds of each seed, above 0, in the same order.

    Returns
    -------
    ratio : float
        The geometric mean of others / times.
    low, high : float or None
        Its 95 % interval, from Student's t distribution of the logarithms; None for a single seed.
    """
    logarithms = np.log(others) - np.log(times)
    mean = float(logarithms.mean())
    if len(logarithms) == 1:
        return float(np.exp(mean)), None, None
    margin = stats.t.ppf((1 + LEVEL) / 2, len(logarithms) - 1) * stats.sem(logarithms)
    return float(np.exp(mean)), float(np.exp(mean - margin)), float(np.exp(mean + margin))


def _intervals(values: npt.NDArray[np.float64]) -> tuple[Any, Any, Any]:
    """Take medians along the rows, with intervals; values has a row for each configuration."""
    medians = np.median(values, axis=-1)
    if values.shape[1] == 1:
        unknown = np.full(len(values), np.inf)
        return medians, unknown, unknown
    interval = stats.bootstrap(
        (values,),
        np.median,
        axis=-1,
        n_resamples=RESAMPLES,
        batch=100,  # so many resamples of all rows in memory at a time
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(0),  # the same table from the same histories
    ).confidence_interval
    return medians, interval.low, interval.high
