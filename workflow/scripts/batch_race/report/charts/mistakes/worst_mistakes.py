"""The test images that the winner is most wrong about."""

import altair as alt
import numpy as np
import polars as pl

from batch_race.report import theme
from batch_race.report.context import Context
from batch_race.report.data_url import data_url
from batch_race.report.theme import AnyChart

COLUMNS = 6
TILE_PIXELS = 100


def draw(mistakes: pl.DataFrame, context: Context) -> AnyChart:
    """Draw the images of the worst mistakes in a grid, whatever the clock."""
    tiles = [
        {
            "column": index % COLUMNS,
            "row": index // COLUMNS,
            "text": _caption(**row),
            "url": data_url(np.array(row["pixels"], dtype=np.uint8)),
        }
        for index, row in enumerate(mistakes.to_dicts())
    ]
    schema = {"column": pl.Int64, "row": pl.Int64, "text": pl.String, "url": pl.String}
    n_rows = -(-len(tiles) // COLUMNS)
    placed = alt.Chart(pl.DataFrame(tiles, schema=schema)).encode(
        alt.X("column:Q", axis=None).scale(domain=[-0.5, COLUMNS - 0.5], nice=False),
        alt.Y("row:Q", axis=None).scale(domain=[-0.5, n_rows - 0.5], reverse=True, nice=False),
    )
    # Not smoothed, so pixels are squares.
    images = placed.mark_image(width=64, height=64, smooth=False).encode(alt.Url("url:N"))
    texts = placed.mark_text(
        dy=-44, fontSize=11, baseline="bottom", lineBreak="\n", limit=TILE_PIXELS - 4
    ).encode(alt.Text("text:N"))
    note = "no mistake to show"
    if tiles:
        note = f"{len(tiles)} of {mistakes['of'][0]:,} mistakes: true class → predicted class"
    text = "The winner's worst mistakes"
    return alt.LayerChart(layer=[images, texts]).properties(
        width=COLUMNS * TILE_PIXELS,
        height=max(1, n_rows) * TILE_PIXELS,
        title=theme.title(mistakes, text, context, *mistakes["run"].unique(), note),
    )


def _caption(label: str, predicted: str, probability: float, **_: object) -> str:
    """Return the classes and the probability, in two lines where the names are long."""
    space = " " if len(label) + len(predicted) <= 6 else "\n"
    return f"{label} →{space}{predicted} · {100 * probability:.0f} %"
