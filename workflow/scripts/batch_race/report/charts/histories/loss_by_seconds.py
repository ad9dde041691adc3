"""The chapter's figure: the training loss against seconds."""

import polars as pl

from batch_race.report import curves, lines, series, theme
from batch_race.report.context import Context
from batch_race.report.theme import AnyChart


def draw(histories: pl.DataFrame, context: Context) -> AnyChart:
    """Draw the training loss against the clock's seconds, a line for each configuration."""
    chosen, note = curves.choose(histories)
    named, names = series.in_order(chosen, in_chapter=True)
    bare = context._replace(targets={})
    chart = lines.panel(named, f"{context.clock}_seconds", "training_loss", "time (seconds)", bare)
    titled = lines.title(named, "Loss against time", context, note)
    return theme.with_legend(chart.properties(width=600, height=400, title=titled), names)
