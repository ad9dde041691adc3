"""Medians over seeds, with confidence intervals."""

import math
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import polars as pl

from batch_race.analyze.contrasts import LEVEL
from batch_race.hyperparameters import CONFIGURATION

Array = npt.NDArray[np.float64]

# The true median is outside if all values are on one side of it.
FEWEST_RUNS = math.ceil(1 - math.log2(1 - LEVEL))
"""The fewest runs whose lowest and highest value enclose the true median with that level."""


def summarize(measures: pl.DataFrame) -> pl.DataFrame:
    """Compute the median over seeds of each measure.

    A run that missed a target, or diverged before it, has an infinite cost: the median is known if
    more than half of the runs reached the target. It is not known if the outcome of any run is
    unknown. The cost of a run that was stopped lies above what it spent: the median is known if it
    is the same whatever that cost is.

    Parameters
    ----------
    measures : polars.DataFrame
        As `measures.per_run` makes it.

    Returns
    -------
    polars.DataFrame
        A row for each configuration and measure, with the columns of `CONFIGURATION`, measure,
        target, target_value, median, median_low, more_than, spent, low, high, interval, runs,
        reached, missed, stopped, unknown, diverged, initial and contended. median_low is the median
        of value_low; more_than is a lower bound of a median that is not known because runs were
        stopped; spent is one of any median that is not known: the median of the costs of runs that
        reached the target, and of what the others spent. low and high are the interval over seeds,
        and interval its kind (see `interval_name`); all three are null for a single run. What is
        not known is null. The columns from reached to initial count outcomes; without a target,
        `reached` counts the runs that have a value, and `diverged` those that diverged at any time.
    """
    keys = [*CONFIGURATION, "measure", "target", "target_value"]
    counts = {
        "reached": pl.coalesce(pl.col("outcome") == "reached", pl.col("value").is_not_null()),
        "missed": pl.col("outcome") == "missed",
        "stopped": pl.col("outcome") == "stopped",
        "unknown": pl.col("outcome") == "unknown",
        "diverged": pl.coalesce(pl.col("outcome") == "diverged", "diverged"),
        "initial": pl.col("outcome") == "initial",
        "contended": pl.col("contended"),
    }
    grouped = (
        measures.sort("seed", maintain_order=True)
        .group_by(keys, maintain_order=True)
        .agg(
            pl.col("value").fill_null(np.inf).alias("values"),
            pl.coalesce("value", pl.when(pl.col("outcome") == "stopped").then("spent"))
            .fill_null(np.inf)
            .alias("bounds"),
            pl.coalesce("value", "spent").fill_null(np.inf).median().alias("spent"),
            pl.col("value_low").fill_null(np.inf).median().alias("median_low"),
            pl.len().cast(pl.Int64).alias("runs"),
            *(count.sum().cast(pl.Int64).alias(name) for name, count in counts.items()),
        )
        .with_row_index("place")
    )
    parts = []
    for part in grouped.partition_by("runs", maintain_order=True):
        values, least = (np.array(part[name].to_list()) for name in ("values", "bounds"))
        statistics, lowest = _medians(values), _medians(least)
        # Known is what does not depend on the costs of stopped runs.
        median, low, high = (
            np.where(value == bound, value, np.inf)
            for value, bound in zip(statistics, lowest, strict=True)
        )
        more_than = np.where(np.isinf(median), lowest[0], np.inf)
        name = pl.lit(interval_name(values.shape[1]), pl.String)
        parts.append(
            part.with_columns(median=median, more_than=more_than, low=low, high=high, interval=name)
        )
    bounds = ("median", "median_low", "more_than", "spent", "low", "high")
    is_known = pl.col("median").is_finite()
    conditions = {"median_low": is_known, "spent": ~is_known}
    known = (
        pl.when(pl.col(name).is_finite(), conditions.get(name, True), pl.col("unknown") == 0)
        .then(name)
        .alias(name)
        for name in bounds
    )
    return (
        pl.concat(parts)
        .with_columns(known)
        .sort(*CONFIGURATION, "place")  # targets keep the order of the configuration
        .select(*keys, *bounds, "interval", "runs", *counts)
    )


def interval_name(n_runs: int) -> str | None:
    """Return the kind of interval around a median of so many runs.

    Returns
    -------
    str or None
        "95 %" from `FEWEST_RUNS` on; "lowest to highest of 5", say, with fewer, since no two of
        their values enclose the true median with that probability; None for a single run.
    """
    if n_runs == 1:
        return None
    return f"{100 * LEVEL:g} %" if n_runs >= FEWEST_RUNS else f"lowest to highest of {n_runs}"


def _medians(values: Array) -> tuple[Array, Array, Array]:
    """Return the median of each row, and the order statistics that bound it.

    The interval is that of the sign test, whose coverage holds for any distribution (David and
    Nagaraja, "Order Statistics", 2003, section 7.1).
    """
    count = values.shape[1]
    ordered = np.sort(values, axis=1)
    if count == 1:
        unknown = np.full(len(values), np.inf)
        return ordered[:, 0], unknown, unknown
    # Of the runs, so many are below the true median with a probability of at most (1 - LEVEL) / 2.
    # (Importing SciPy for it would take as long as all the rest of a summary.)
    below = accumulate(math.comb(count, n) / 2**count for n in range(count))
    index = max(sum(probability < (1 - LEVEL) / 2 for probability in below) - 1, 0)
    return np.median(ordered, axis=1), ordered[:, index], ordered[:, -1 - index]
