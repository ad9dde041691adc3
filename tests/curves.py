"""Collected histories and crossings made by hand, for tests of what is made of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import polars as pl

from batch_race.analyze.measures import per_run
from batch_race.hyperparameters import RUN
from batch_race.store import crossings, history
from tests.project import DEFAULTS

A_RUN = DEFAULTS | {
    "batch_size": 32,
    "seed": 1,
    "subnormals": "flushed",
    "training_images": 60000,
    "stopped": "budget",
    "contended": False,
    "machine": "Abacus 3",
    "software": "Python 3, numpy 2, scipy 1, engine 1",
}


def curve(losses: Sequence[float], step_seconds: float = 0.5, **run: object) -> pl.DataFrame:
    """Give the history of a run: a loss for each of its steps, the first before any.

    The accuracy is 100 minus ten times the loss, the wall clock runs at twice the seconds.
    """
    described = A_RUN | run
    rows = [
        described
        | {
            "step": step,
            "epoch": 0,
            "examples": step * int(described["batch_size"]),
            "training_seconds": step * step_seconds,
            "wall_seconds": step * step_seconds * 2,
            "cpu_seconds": step * step_seconds,
            "training_loss": loss,
            "test_accuracy": 100 - 10 * loss if loss < 10 else 10.0,
        }
        for step, loss in enumerate(losses)
    ]
    return pl.DataFrame(rows, schema=history.COLLECTED)


def falling(steps_to_one: float, **run: object) -> pl.DataFrame:
    """Give a run whose loss falls from 2 to 0 on a straight line, past 1 at that many steps."""
    there = 2 * steps_to_one
    count = int(there) + 1
    return curve([max(0, 2 - 2 * step / there) for step in range(count + 1)], **run)


def crossed(
    histories: pl.DataFrame, targets: Mapping[str, Sequence[float]], width: float = 0.0
) -> pl.DataFrame:
    """Give where each run reached each target: between two steps, on the straight line.

    So a test can have any time that it likes; brackets are so wide, as a part of the value.
    """
    rows = []
    for run in histories.partition_by(RUN, maintain_order=True):
        curve = run.sort("wall_seconds").to_dicts()
        for target, values in targets.items():
            for value in values:
                found = {"target": target, "target_value": float(value), "source": "grid"}
                for cost, at in _costs_of(curve, target, value).items():
                    found |= {cost: at, f"{cost}_low": at and at * (1 - width)}
                rows.append({key: curve[0][key] for key in RUN} | found)
    schema = {
        key: pl.Float64 if key.removesuffix("_low") in crossings.COSTS else kind
        for key, kind in crossings.COLLECTED.items()
    }
    return pl.DataFrame(rows, schema=schema)


def _costs_of(curve: list[dict[str, float]], target: str, value: float) -> dict[str, float | None]:
    sign, column = (1, "training_loss") if target == "loss" else (-1, "test_accuracy")
    for before, there in pairwise([curve[0], *curve]):
        if sign * there[column] <= sign * value:
            fall = before[column] - there[column]
            share = (before[column] - value) / fall if 0 < abs(fall) < math.inf else 1.0
            return {
                cost: before[cost] + share * (there[cost] - before[cost])
                for cost in crossings.COSTS
            }
    return dict.fromkeys(crossings.COSTS)


def measured(
    histories: pl.DataFrame, targets: Mapping[str, Sequence[float]], clock: str, width: float = 0.0
) -> pl.DataFrame:
    """Measure runs made by hand."""
    return per_run(histories, crossed(histories, targets, width), targets, clock)


def evaluated_twice(table: pl.DataFrame) -> pl.DataFrame:
    """Add a second evaluation of step 1, half a second of wall time later, out of order."""
    again = table.filter(step=1).with_columns(pl.col("epoch") + 1, pl.col("wall_seconds") + 0.5)
    return pl.concat([again, table])


def each_seed(
    make: Callable[..., pl.DataFrame], values: Sequence[float], **run: object
) -> pl.DataFrame:
    """Lay the runs of the seeds 1, 2, … into one table."""
    return pl.concat(make(value, seed=seed, **run) for seed, value in enumerate(values, 1))
