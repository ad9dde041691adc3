"""The test accuracy against both clocks, the steps and the examples."""

import polars as pl

from batch_race.report import lines
from batch_race.report.context import Context
from batch_race.report.theme import AnyChart


def draw(histories: pl.DataFrame, context: Context) -> AnyChart:
    """Draw the test accuracy against each measure of cost, on linear and logarithmic axes.

    The accuracy's own axis is linear.
    """
    return lines.grid(
        histories, "test_accuracy", "Test accuracy against time, steps and examples", context
    )
