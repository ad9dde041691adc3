"""The loss and the accuracy after each iteration."""

import altair as alt
import polars as pl

from batch_race.report import curves, lines, series, theme
from batch_race.report.context import Context
from batch_race.report.theme import AnyChart


def draw(histories: pl.DataFrame, context: Context) -> AnyChart:
    """Draw the loss and the accuracy from the first iteration on, side by side, as the chapter."""
    chosen, note = curves.choose(histories)
    named, names = series.in_order(chosen.rename({"step": "iteration"}), in_chapter=True)
    bare = context._replace(targets={})
    pair = [
        lines.panel(named, "iteration", y, "iteration", bare, width=400, height=300)
        for y in ("training_loss", "test_accuracy")
    ]
    text = "Loss and accuracy after each iteration"
    titled = lines.title(named, text, context, note, width=850)
    return theme.with_legend(alt.hconcat(*pair, title=titled), names, width=850)
