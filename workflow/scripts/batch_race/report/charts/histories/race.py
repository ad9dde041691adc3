"""The race: the training loss against seconds, on logarithmic axes, with lines at the targets."""

import polars as pl

from batch_race.report import curves, lines, series, theme
from batch_race.report.context import Context
from batch_race.report.theme import AnyChart


def draw(histories: pl.DataFrame, context: Context) -> AnyChart:
    """Draw the training loss against the clock's seconds, a line for each configuration."""
    chosen, note = curves.choose(histories)
    named, names = series.in_order(chosen)
    x = f"{context.clock}_seconds"
    chart = lines.panel(named, x, "training_loss", curves.X_TITLES[x], context, is_log=True)
    titled = lines.title(named, "The race: training loss against time", context, note)
    return theme.with_legend(chart.properties(width=600, height=400, title=titled), names)
