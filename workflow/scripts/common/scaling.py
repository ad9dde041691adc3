"""Steps to a target as a law of the batch size, and what it foretells for other machines.

The law is that of McCandlish, Kaplan, Amodei et al., "An Empirical Model of Large-Batch Training"
(2018), section 2: S(B) = S_min (1 + B_crit / B). Far below the critical batch size, doubling the
batch halves the steps; far above it, it saves none.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import optimize, stats

from workflow.scripts.common.comparison import best_of_each_batch_size
from workflow.scripts.common.measures import SETTING, where
from workflow.scripts.common.statistics import LEVEL

Array = npt.NDArray[np.float64]

FEWEST = 4
"""Batch sizes that a fit of two numbers needs, if it is to be told whether it is a good one."""

WORST_FACTOR = 1.5
"""How far a good fit may be off at any batch size: this many times too many or too few steps."""

WIDEST_FACTOR = 100
"""How wide the interval of B_crit may be (its upper end over its lower) for it to be known."""

_DRAWS = 1000


class Fit(NamedTuple):
    """The law, fitted.

    Attributes
    ----------
    log_parameters : ndarray of float64, shape (2,)
        The logarithms of S_min, in steps, and B_crit, in examples.
    log_covariance : ndarray of float64, shape (2, 2)
        Of those.
    margin : float
        How many standard errors a 95 % interval is wide to each side.
    worst_factor : float
        By how much it is off where it is worst, as a factor of at least 1.
    worst_batch_size : int
    smallest, largest : int
        Of the batch sizes that it was fitted to.
    """

    log_parameters: Array
    log_covariance: Array
    margin: float
    worst_factor: float
    worst_batch_size: int
    smallest: int
    largest: int

    def interval(self, place: int) -> tuple[float, float, float]:
        """Give S_min (place 0) or B_crit (place 1), with its 95 % interval."""
        middle = self.log_parameters[place]
        width = self.margin * np.sqrt(self.log_covariance[place, place])
        low, value, high = np.exp(np.clip([middle - width, middle, middle + width], -700, 700))
        return float(value), float(low), float(high)

    @property
    def verdict(self) -> str:
        """Say whether the law holds: `good`, `bad` (it is off), or `open` (B_crit is not known).

        It is not known where its interval is wide, or where it lies beyond the batch sizes tried.
        """
        value, low, high = self.interval(1)
        if self.worst_factor > WORST_FACTOR:
            return "bad"
        is_within = self.smallest <= value <= self.largest
        return "good" if is_within and high <= WIDEST_FACTOR * low else "open"


def fit(batch_sizes: Sequence[int], steps: Sequence[float]) -> Fit:
    """Fit S(B) = S_min (1 + B_crit / B) by least squares of the logarithms.

    Parameters
    ----------
    batch_sizes : sequence of int
        At least `FEWEST`, in examples.
    steps : sequence of float
        To the target, with the best learning rate of each batch size.

    Returns
    -------
    Fit
    """
    sizes = np.asarray(batch_sizes, dtype=np.float64)
    logarithms = np.log(np.asarray(steps, dtype=np.float64))
    start = [logarithms.min(), np.log(np.median(sizes))]
    bounds = ([-50.0, -20.0], [50.0, 50.0])
    found, covariance = optimize.curve_fit(_law, sizes, logarithms, p0=start, bounds=bounds)
    off = np.abs(_law(sizes, *found) - logarithms)
    worst = int(off.argmax())
    return Fit(
        found,
        covariance,
        float(stats.t.ppf((1 + LEVEL) / 2, len(sizes) - 2)),
        float(np.exp(off[worst])),
        int(sizes[worst]),
        int(sizes.min()),
        int(sizes.max()),
    )


def step_seconds(batch_sizes: Sequence[int], seconds: Sequence[float]) -> Callable[[Array], Array]:
    """Interpolate the seconds of a step between the batch sizes at which they were measured.

    Parameters
    ----------
    batch_sizes : sequence of int
        Ascending, in examples.
    seconds : sequence of float
        Of a step.

    Returns
    -------
    callable
        From batch sizes to seconds: straight lines between the logarithms of both. Beyond the
        measured ones it does not know better than the nearest.
    """
    sizes, times = np.log(batch_sizes), np.log(seconds)
    return lambda wanted: np.exp(np.interp(np.log(wanted), sizes, times))


def forecast(
    law: Fit,
    seconds_of: Callable[[Array], Array],
    batch_sizes: Array,
    workers: int,
    communication_seconds: float,
) -> dict[str, Any]:
    """Foretell the best batch size where workers share each mini-batch evenly.

    A step then takes what one worker needs for its share, and the communication. With communication
    that costs nothing this is as well a machine that does so many examples in the time of one.

    Parameters
    ----------
    law : Fit
    seconds_of : callable
        From batch sizes to the seconds of a step on one worker.
    batch_sizes : ndarray of float64
        Those to choose from.
    workers : int
    communication_seconds : float
        What it adds to a step.

    Returns
    -------
    dict
        batch_size and seconds to the target, each with its 95 % interval (`_low`, `_high`) as far
        as it comes from the law's two numbers.
    """
    draws = np.random.default_rng(0).multivariate_normal(
        law.log_parameters, law.log_covariance, _DRAWS
    )
    steps = np.exp([_law(batch_sizes, *each) for each in (law.log_parameters, *draws)])
    seconds = steps * (seconds_of(batch_sizes / workers) + communication_seconds)
    best = seconds.argmin(axis=1)
    sizes, times = batch_sizes[best], seconds.min(axis=1)
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    size_low, size_high = np.quantile(sizes[1:], ends, method="nearest")
    low, high = np.quantile(times[1:], ends)
    return {
        "workers": workers,
        "communication_seconds": communication_seconds,
        "batch_size": int(sizes[0]),
        "batch_size_low": int(size_low),
        "batch_size_high": int(size_high),
        "seconds": float(times[0]),
        "seconds_low": float(low),
        "seconds_high": float(high),
    }


def foretell(
    summary: pl.DataFrame, workers: Sequence[int], communication_seconds: Sequence[float]
) -> list[dict[str, Any]]:
    """Fit and forecast for each setting and target of a summary.

    Parameters
    ----------
    summary : polars.DataFrame
        As `statistics.summarize` makes it.
    workers : sequence of int
    communication_seconds : sequence of float

    Returns
    -------
    list of dict
        Each with the setting, the target, `points` (batch sizes with their steps), `verdict` (good,
        bad, open, or `too few` batch sizes), s_min and b_crit with intervals, and `forecasts`,
        which are there only where the verdict is good.
    """
    best = best_of_each_batch_size(summary, "steps")
    # A step's time does not depend on the learning rate.
    rates = (
        summary.filter(pl.col("measure") == "steps_per_second", pl.col("median").is_not_null())
        .group_by(*SETTING, "batch_size")
        .agg(pl.col("median").median())
        .sort("batch_size")
    )
    asked = summary.filter(pl.col("measure") == "steps").select(*SETTING, "target", "target_value")
    found = []
    for question in asked.unique(maintain_order=True).to_dicts():
        points = where(best, question)
        speeds = where(rates, {key: question[key] for key in SETTING})
        found.append(question | _foretold(points, speeds, workers, communication_seconds))
    return found


def _foretold(
    points: pl.DataFrame,
    speeds: pl.DataFrame,
    workers: Sequence[int],
    communication_seconds: Sequence[float],
) -> dict[str, Any]:
    points = points.filter(pl.col("median") > 0).sort("batch_size")
    sizes, steps = points["batch_size"].to_list(), points["median"].to_list()
    result: dict[str, Any] = {
        "points": [
            {"batch_size": size, "steps": count} for size, count in zip(sizes, steps, strict=True)
        ],
        "forecasts": [],
    }
    if len(points) < FEWEST:
        return result | {"verdict": "too few"}
    law = fit(sizes, steps)
    for place, name in enumerate(("s_min", "b_crit")):
        result |= dict(zip((name, f"{name}_low", f"{name}_high"), law.interval(place), strict=True))
    result |= {
        "verdict": law.verdict,
        "worst_factor": law.worst_factor,
        "worst_batch_size": law.worst_batch_size,
    }
    if law.verdict == "good":
        measured = speeds["batch_size"].to_list()
        seconds_of = step_seconds(measured, (1 / speeds["median"]).to_list())
        for count in workers:
            # Each worker's share lies within what was measured, and the batch within the data.
            last = min(measured[-1] * count, points["training_images"][0])
            choices = np.unique(np.geomspace(measured[0] * count, last, 200).round())
            if measured[0] * count <= last:
                result["forecasts"] += [
                    forecast(law, seconds_of, choices, count, cost)
                    for cost in communication_seconds
                ]
    return result


def _law(batch_size: Array, log_s_min: float, log_b_crit: float) -> Array:
    """Give the logarithm of the steps."""
    law: Array = log_s_min + np.logaddexp(0, log_b_crit - np.log(batch_size))
    return law
