"""The training loss against both clocks, the steps and the examples."""

import polars as pl

from batch_race.report import lines
from batch_race.report.context import Context
from batch_race.report.theme import AnyChart


def draw(histories: pl.DataFrame, context: Context) -> AnyChart:
    """Draw the training loss against each measure of cost, on linear and logarithmic axes."""
    return lines.grid(
        histories, "training_loss", "Training loss against time, steps and examples", context
    )
