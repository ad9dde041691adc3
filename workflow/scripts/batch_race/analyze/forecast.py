"""Forecasts for other machines, from the law of steps and batch size."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from batch_race.analyze.comparison import best_of_each_batch_size
from batch_race.analyze.law import FEWEST, Fit, bend, fit
from batch_race.analyze.measures import matching
from batch_race.analyze.step_times import learning_rate_effect
from batch_race.hyperparameters import CONFIGURATION, GROUP

Array = npt.NDArray[np.float64]


def step_seconds(batch_sizes: Sequence[int], seconds: Sequence[float]) -> Callable[[Array], Array]:
    """Return an interpolation of the seconds of a step between the measured batch sizes.

    Parameters
    ----------
    batch_sizes : sequence of int
        Ascending, in examples.
    seconds : sequence of float
        Of a step.

    Returns
    -------
    callable
        From batch sizes to seconds: linear between the logarithms of both, constant beyond the
        smallest and the largest.
    """
    sizes, times = np.log(batch_sizes), np.log(seconds)
    return lambda wanted: np.exp(np.interp(np.log(wanted), sizes, times))


def fastest_batch_size(
    law: Fit,
    seconds_of: Callable[[Array], Array],
    batch_sizes: Array,
    workers: int,
    communication_seconds: float,
) -> dict[str, Any]:
    """Forecast the fastest batch size if workers share each mini-batch evenly.

    A step then takes the seconds of one worker's shard, and the communication. Workers without
    communication also model a machine that is so many times as fast.

    Parameters
    ----------
    law : Fit
    seconds_of : callable
        From batch sizes to the seconds of a step on one worker.
    batch_sizes : ndarray of float64
        The candidates.
    workers : int
    communication_seconds : float
        Added to each step.

    Returns
    -------
    dict
        `workers` and `communication_seconds`; `batch_size` and `seconds` to the target, each with
        its 95 % interval (`_low`, `_high`) from the uncertainty of the law's two parameters; and
        `end`, which is "smallest" or "largest" if batch_size is that candidate, and else None.
    """
    costs = seconds_of(batch_sizes / workers) + communication_seconds
    b_crit = np.append(law.log_b_crit, law.region_b_crit)
    seconds = np.exp(bend(b_crit, np.log(batch_sizes))) * costs
    best = seconds.argmin(axis=1)
    sizes, least = batch_sizes[best], seconds.min(axis=1)
    low, high = np.exp(law.region_s_min) * least[1:]
    ends = {batch_sizes[0]: "smallest", batch_sizes[-1]: "largest"}
    return {
        "workers": workers,
        "communication_seconds": communication_seconds,
        "batch_size": int(sizes[0]),
        "batch_size_low": int(sizes.min()),
        "batch_size_high": int(sizes.max()),
        "end": ends.get(sizes[0]),
        "seconds": float(np.exp(law.log_s_min) * least[0]),
        "seconds_low": float(low.min()),
        "seconds_high": float(high.max()),
    }


def forecast(
    measures: pl.DataFrame,
    summary: pl.DataFrame,
    workers: Sequence[int],
    communication_seconds: Sequence[float],
) -> list[dict[str, Any]]:
    """Fit the law and forecast, for each comparison group and target.

    Parameters
    ----------
    measures : polars.DataFrame
        As `measures.per_run` makes it.
    summary : polars.DataFrame
        As `statistics.summarize` makes it of those.
    workers : sequence of int
    communication_seconds : sequence of float

    Returns
    -------
    list of dict
        Each with the parameters of the comparison group, the target, `initial` (the number of runs
        whose initial weights meet it), `points` (batch sizes with their steps), `verdict` (good,
        bad, open, or `too few` batch sizes), `step_time`, as `step_times.learning_rate_effect`
        gives it, and `forecasts`, empty if the verdict is bad or too few; unless it is too few,
        also `s_min` and `b_crit` with intervals (`_low`, `_high`), and the largest error
        (`worst_factor`, `worst_batch_size`).
    """
    best = best_of_each_batch_size(summary, "steps")
    # Steps and the time of a step are of the same runs: both depend on the learning rate.
    speeds = summary.filter(pl.col("measure") == "steps_per_second").select(
        *CONFIGURATION, pl.col("median").alias("steps_per_second")
    )
    points = best.join(speeds, on=CONFIGURATION)
    asked = summary.filter(pl.col("measure") == "steps").group_by(
        *GROUP, "target", "target_value", maintain_order=True
    )
    found = []
    for question in asked.agg(pl.col("initial").sum()).to_dicts():
        group = {key: question[key] for key in GROUP}
        target = {key: question[key] for key in ("target", "target_value")}
        found.append(
            question
            | _fit_and_forecast(matching(points, group | target), workers, communication_seconds)
            | {"step_time": learning_rate_effect(matching(measures, group))}
        )
    return found


def _fit_and_forecast(
    points: pl.DataFrame, workers: Sequence[int], communication_seconds: Sequence[float]
) -> dict[str, Any]:
    points = points.sort("batch_size")
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
    for name, interval in (("s_min", law.s_min), ("b_crit", law.b_crit)):
        result |= dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))
    result |= {
        "verdict": law.verdict,
        "worst_factor": law.worst_factor,
        "worst_batch_size": law.worst_batch_size,
    }
    if law.verdict != "bad":
        seconds_of = step_seconds(sizes, (1 / points["steps_per_second"]).to_list())
        for count in workers:
            # Each worker's shard is a measured batch size, and the batch is within the data.
            last = min(sizes[-1] * count, points["training_images"][0])
            choices = np.unique(np.geomspace(sizes[0] * count, last, 200).round())
            if sizes[0] * count <= last:
                result["forecasts"] += [
                    fastest_batch_size(law, seconds_of, choices, count, cost)
                    for cost in communication_seconds
                ]
    return result
