"""Comparisons and forecasts of runs made by hand."""

import numpy as np
import polars as pl

from batch_race.analyze.comparison import compare
from batch_race.analyze.forecast import forecast
from batch_race.analyze.statistics import summarize
from tests.curves import each_seed, falling, measured

SIZES = [1, 4, 16, 64, 256, 1024, 4096]


def sweep(times, **run):
    """Return the runs of one configuration that take so many seconds to loss 1, one per seed."""
    return each_seed(lambda seconds, **seed: falling(2 * seconds, **seed), times, **run)


def answers(*tables, targets=None, width=0.0):
    """Compare the runs of some histories; see `tests.curves.crossed` for the width."""
    measures = measured(pl.concat(tables), targets or {"loss": [1.0]}, "training", width)
    return compare(measures, summarize(measures))


def law(sizes, s_min=100.0, b_crit=64.0):
    """Return the steps of the exact law."""
    return s_min * (1 + b_crit / np.asarray(sizes, dtype=float))


def forecasts(steps_of, sizes=SIZES, workers=(1, 8), costs=(0, 1e-3), target=1.0, more=()):
    """Forecast from runs that take so many steps of 0.1 ms to loss 1, two seeds per batch size."""
    tables = [
        each_seed(falling, [steps_of(size)] * 2, batch_size=size, step_seconds=1e-4)
        for size in sizes
    ]
    measures = measured(pl.concat([*tables, *more]), {"loss": [target]}, "training")
    return forecast(measures, summarize(measures), workers, costs)
