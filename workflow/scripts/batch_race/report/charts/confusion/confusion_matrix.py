"""The confusion matrix of the winner."""

import altair as alt
import polars as pl

from batch_race.report import theme
from batch_race.report.theme import AnyChart


def draw(confusion: pl.DataFrame, title: str, clock: str) -> AnyChart:
    """Draw the confusion matrix, its mistakes in colour, whatever the clock."""
    is_wrong = pl.col("label") != pl.col("predicted")
    counts = confusion.select("label", "predicted", "count")
    wrong, right = counts.filter(is_wrong, pl.col("count") > 0), counts.filter(~is_wrong)
    n_wrong, n_images = wrong["count"].sum(), counts["count"].sum()
    note = f"{n_wrong:,} of {n_images:,} test images wrong" if n_images else "no run to evaluate"
    predicted = alt.X("predicted:O", title="predicted class").axis(labelAngle=0)
    cells = alt.Chart(counts).encode(predicted, alt.Y("label:O", title="true class"))
    shade = alt.Color("count:Q", legend=None).scale(range=["#fdf0e1", "#f28e2b"])
    layers = [
        cells.mark_rect(color="#f4f4f4"),
        cells.mark_rect(color="#cfcfcf").properties(data=right),
        cells.mark_rect().encode(shade).properties(data=wrong),
        cells.mark_text(fontSize=12, color="black")
        .encode(alt.Text("count:Q", format=","))
        .transform_filter("datum.count > 0"),
    ]
    titled = theme.title(confusion, title, *confusion["run"].unique(), note)
    return alt.LayerChart(layer=layers).properties(width=520, height=360, title=titled)
