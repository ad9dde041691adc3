"""The chapter's figure: the training loss against seconds."""

import polars as pl

from batch_race.report import curves, lines, notes, series, theme
from batch_race.report.theme import AnyChart


def draw(histories: pl.DataFrame, title: str, clock: str) -> AnyChart:
    """Draw the training loss against the clock's seconds, a line for each configuration."""
    chosen, note = curves.choose(histories)
    named, names = series.in_order(chosen)
    chart = lines.panel(named, names, f"{clock}_seconds", "training_loss", "time (seconds)")
    titled = theme.title(histories, title, notes.evaluation(clock), note)
    return theme.with_legend(chart.properties(width=600, height=400, title=titled), names)
