"""Steps and examples per second against the batch size."""

import altair as alt
import polars as pl

from batch_race.hyperparameters import GROUP
from batch_race.report import costs, notes, theme
from batch_race.report.context import Context
from batch_race.report.groups import describe_group, varying_between
from batch_race.report.theme import AnyChart


def draw(summary: pl.DataFrame, context: Context) -> AnyChart:
    """Draw the steps and the examples per second of training, side by side, whatever the clock."""
    pair = []
    for unit in ("steps", "examples"):
        # A point for each batch size, and a bar that spans its learning rates.
        medians = (
            summary.filter(pl.col("measure") == f"{unit}_per_second")
            .group_by(*GROUP, "batch_size", maintain_order=True)
            .agg(pl.col("median").median(), pl.col("low").min(), pl.col("high").max())
            .sort("batch_size", maintain_order=True)
        )
        rows = medians.to_dicts()
        varying = varying_between(rows)
        rows = [row | {"series": describe_group(row, varying)} for row in rows]
        names = sorted({row["series"] for row in rows})
        legend = "on" if len(names) > 1 else None  # the title names a single one
        chart = costs.against_batch_size(rows, names, f"{unit} per second", legend)
        pair.append(chart.properties(width=340, height=300))
    subtitle = ("steps alone", notes.bars(summary), notes.contended(summary))
    text = "Steps and examples per second"
    titled = theme.title(summary, text, context, *subtitle, width=850)
    return theme.with_legend(alt.hconcat(*pair, title=titled), names)
