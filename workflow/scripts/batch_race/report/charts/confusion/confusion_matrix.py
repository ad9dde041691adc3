"""The confusion matrix of the winner."""

import altair as alt
import polars as pl

from batch_race.report import theme
from batch_race.report.context import Context
from batch_race.report.theme import AnyChart

MAX_CLASSES = 50
"""More could not be read."""

CELL_PIXELS = (24, 18)
"""The smallest width and height of a cell."""


def draw(confusion: pl.DataFrame, context: Context) -> AnyChart:
    """Draw the confusion matrix, its mistakes in colour, whatever the clock."""
    is_wrong = pl.col("label") != pl.col("predicted")
    pairs = confusion.select("label", "predicted", "count")
    n_wrong, n_images = pairs.filter(is_wrong)["count"].sum(), pairs["count"].sum()
    note = f"{n_wrong:,} of {n_images:,} test images wrong" if n_images else "no run to evaluate"
    names = pairs["label"].unique(maintain_order=True)
    shown = names
    if len(names) > MAX_CLASSES:
        shown = _most_mistaken(pairs.filter(is_wrong), names)
        note += f"; the {MAX_CLASSES} of {len(names):,} classes with the most mistakes"
    are_shown = pl.col("label", "predicted").is_in(shown.implode())
    counts = pairs.filter(pl.all_horizontal(are_shown))
    wrong, right = counts.filter(is_wrong, pl.col("count") > 0), counts.filter(~is_wrong)
    order = shown.to_list()  # 10 after 9, not after 1
    predicted = alt.X("predicted:O", title="predicted class").sort(order)
    if len(order) <= 10 and max(map(len, order), default=0) <= 3:
        predicted = predicted.axis(labelAngle=0)
    true = alt.Y("label:O", title="true class").sort(order)
    cells = alt.Chart(counts).encode(predicted, true)
    shade = alt.Color("count:Q", legend=None)
    width, height = (
        max(least, pixels * len(order))
        for least, pixels in zip((520, 360), CELL_PIXELS, strict=True)
    )
    layers = [
        cells.mark_rect(style="empty-cell"),
        cells.mark_rect(style="strong-cell").properties(data=right),
        cells.mark_rect().encode(shade).properties(data=wrong),
        cells.mark_text(fontSize=12 if len(order) <= 20 else 8, style="cell-text")
        .encode(alt.Text("count:Q", format=","))
        .transform_filter("datum.count > 0"),
    ]
    text = "The winner's confusion matrix"
    titled = theme.title(confusion, text, context, *confusion["run"].unique(), note)
    return alt.LayerChart(layer=layers).properties(width=width, height=height, title=titled)


def _most_mistaken(wrong: pl.DataFrame, names: pl.Series) -> pl.Series:
    """Return the classes in most mistakes, as true or as predicted class, in their order."""
    involved = pl.concat(
        [wrong.select("count", pl.col(column).alias("name")) for column in ("label", "predicted")]
    )
    totals = involved.group_by("name").agg(pl.col("count").sum())
    by_class = pl.DataFrame({"name": names}).join(totals, on="name", how="left").fill_null(0)
    worst = by_class.sort("count", descending=True, maintain_order=True).head(MAX_CLASSES)
    return names.filter(names.is_in(worst["name"].implode()))
