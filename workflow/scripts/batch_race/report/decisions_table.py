"""The decisions of a race as a table to read."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import polars as pl

from batch_race import batch_sizes
from batch_race.analyze.targets import describe_target
from batch_race.hyperparameters import REGISTRY, written
from batch_race.report.groups import varying_parameters
from batch_race.report.numbers import number

MAX_ROWS = 300
"""Rows that a page shows."""

_Row = dict[str, Any]


def rows(
    decisions: pl.DataFrame, factor: float | None, training_images: Mapping[str, int]
) -> list[list[str]]:
    """Return decisions as the heading of a table and a row for each.

    Parameters
    ----------
    decisions : polars.DataFrame
        As `decisions.tabulate` makes it.
    factor : float or None
        That of the pruning.
    training_images : mapping of str to int
        Those of each dataset.

    Returns
    -------
    list of list of str
        The columns are the round; the batch size, the learning rate and what else varies; the
        decision in words; and its targets. Decisions that differ in their targets alone are one
        row.
    """
    always = ("batch_size", "learning_rate")
    varying = varying_parameters(decisions, REGISTRY)
    shown = [key for key in REGISTRY if key in always or key in varying]

    def without_target(row: _Row) -> tuple[str, ...]:
        images = training_images[row["dataset"]]
        cells = (_cell(key, row[key], images) for key in shown)
        return (str(row["round"]), *cells, _in_words(row, factor, images))

    ordered = sorted(decisions.to_dicts(), key=lambda row: row["round"])
    return [
        ["round", *shown, "decision", "targets"],
        *([*common, _targets(list(same))] for common, same in groupby(ordered, key=without_target)),
    ]


def _targets(same: Sequence[_Row]) -> str:
    return ", ".join(describe_target(row) for row in same if row["target"])


def _cell(key: str, value: Any, images: int) -> str:
    if value is None:
        return "all"
    return batch_sizes.describe(value, images) if key == "batch_size" else written(value)


def _in_words(row: Mapping[str, Any], factor: float | None, images: int) -> str:
    seconds = number(row["seconds"]) if row["seconds"] is not None else ""
    match row["rule"]:
        case "slower":
            size = batch_sizes.name(row["against_batch_size"], images)
            leader = (
                f"{size} at learning rate {row['against_learning_rate']:g}, "
                f"{number(row['leader_seconds'])} s"
            )
            return f"stopped: over {seconds} s, more than {factor:g} times as long as {leader}"
        case "reached":
            return f"reached; trained for {seconds} s"
        case "budget":
            return f"not reached in the whole budget, {seconds} s"
        case "diverged":
            return f"diverged at {seconds} s"
        case "ended":
            return f"ended at {seconds} s by a target of the budget"
        case "start":
            return "first learning rates"
        case "widened":
            return "tried, since the best learning rate was at the end of those tried"
        case "refined":
            return "tried, between the best learning rate and the next"
        case "settled":
            return "no further seeds, since the runner-up is slower"
    raise NotImplementedError(row["rule"])
