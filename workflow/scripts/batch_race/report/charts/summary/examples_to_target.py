"""The examples to each target against the batch size."""

import polars as pl

from batch_race.report import costs
from batch_race.report.context import Context
from batch_race.report.theme import AnyChart


def draw(summary: pl.DataFrame, context: Context) -> AnyChart:
    """Draw the examples to each target against the batch size, each at its best learning rate."""
    return costs.to_target(summary, "examples", context)
