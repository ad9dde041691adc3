"""What the law of steps and batch size foretells for other machines."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from batch_race.analyze.comparison import best_of_each_batch_size
from batch_race.analyze.law import FEWEST, Fit, bend, fit
from batch_race.analyze.measures import CONFIGURATION, SETTING, where
from batch_race.analyze.step_times import learning_rate_effect

Array = npt.NDArray[np.float64]


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
        as it comes from the law's two numbers; and `end`, which is "smallest" or "largest" if
        batch_size is that of the batch sizes to choose from, and else None.
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


def foretell(
    measures: pl.DataFrame,
    summary: pl.DataFrame,
    workers: Sequence[int],
    communication_seconds: Sequence[float],
) -> list[dict[str, Any]]:
    """Fit and forecast for each setting and target of a summary.

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
        Each with the setting, the target, `initial` (the runs whose initial weights meet it),
        `points` (batch sizes with their steps), `verdict` (good, bad, open, or `too few` batch
        sizes), s_min and b_crit with intervals, `forecasts`, unless the verdict is bad or too few,
        and `step_time`, as `step_times.learning_rate_effect` gives it.
    """
    best = best_of_each_batch_size(summary, "steps")
    # A step may take longer at another learning rate: the runs give both their steps and its time.
    speeds = summary.filter(pl.col("measure") == "steps_per_second").select(
        *CONFIGURATION, pl.col("median").alias("steps_per_second")
    )
    points = best.join(speeds, on=CONFIGURATION)
    asked = summary.filter(pl.col("measure") == "steps").group_by(
        *SETTING, "target", "target_value", maintain_order=True
    )
    found = []
    for question in asked.agg(pl.col("initial").sum()).to_dicts():
        setting = {key: question[key] for key in SETTING}
        target = {key: question[key] for key in ("target", "target_value")}
        found.append(
            question
            | _foretold(where(points, setting | target), workers, communication_seconds)
            | {"step_time": learning_rate_effect(where(measures, setting))}
        )
    return found


def _foretold(
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
            # Each worker's share lies within what was measured, and the batch within the data.
            last = min(sizes[-1] * count, points["training_images"][0])
            choices = np.unique(np.geomspace(sizes[0] * count, last, 200).round())
            if sizes[0] * count <= last:
                result["forecasts"] += [
                    forecast(law, seconds_of, choices, count, cost)
                    for cost in communication_seconds
                ]
    return result
