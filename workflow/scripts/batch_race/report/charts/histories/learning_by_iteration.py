"""The loss and the accuracy after each iteration."""

import altair as alt
import polars as pl

from batch_race.report import curves, lines, notes, series, theme
from batch_race.report.theme import AnyChart


def draw(histories: pl.DataFrame, title: str, clock: str) -> AnyChart:
    """Draw the loss and the accuracy from the first iteration on, side by side."""
    chosen, note = curves.choose(histories)
    named, names = series.in_order(chosen.rename({"step": "iteration"}))
    pair = [
        lines.panel(named, names, "iteration", y, "iteration").properties(width=400, height=300)
        for y in ("training_loss", "test_accuracy")
    ]
    titled = theme.title(histories, title, notes.evaluation(clock), note)
    return theme.with_legend(alt.hconcat(*pair, title=titled), names, width=850)
