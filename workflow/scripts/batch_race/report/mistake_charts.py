"""The charts of what the winner gets wrong."""

import altair as alt
import numpy as np
import polars as pl

from batch_race.data import pictures
from batch_race.report import theme
from batch_race.report.theme import AnyChart

COLUMNS = 6
TILE_PIXELS = 100


def confusion_matrix(confusion: pl.DataFrame, title: str, clock: str) -> AnyChart:
    """Draw how often the winner takes each class for which; only its mistakes are coloured.

    Parameters
    ----------
    confusion : polars.DataFrame
        As `mistakes.examine` makes it.
    title : str
    clock : {"training", "wall"}
        Of no effect.

    Returns
    -------
    altair.LayerChart
    """
    is_wrong = pl.col("label") != pl.col("predicted")
    counts = confusion.select("label", "predicted", "count")
    wrong, right = counts.filter(is_wrong, pl.col("count") > 0), counts.filter(~is_wrong)
    n_wrong, n_images = wrong["count"].sum(), counts["count"].sum()
    note = f"{n_wrong:,} of {n_images:,} test images wrong" if n_images else "no run to look at"
    across = alt.X("predicted:O", title="what the network says").axis(labelAngle=0)
    placed = alt.Chart(counts).encode(across, alt.Y("label:O", title="what it is"))
    shade = alt.Color("count:Q", legend=None).scale(range=["#fdf0e1", "#f28e2b"])
    layers = [
        placed.mark_rect(color="#f4f4f4"),
        placed.mark_rect(color="#cfcfcf").properties(data=right),
        placed.mark_rect().encode(shade).properties(data=wrong),
        placed.mark_text(fontSize=12, color="black")
        .encode(alt.Text("count:Q", format=","))
        .transform_filter("datum.count > 0"),
    ]
    return alt.LayerChart(layer=layers).properties(
        width=520, height=360, title=theme.title(confusion, title, *_runs(confusion), note)
    )


def worst_mistakes(mistakes: pl.DataFrame, title: str, clock: str) -> AnyChart:
    """Draw the images that the winner is most wrong about, as they look.

    Parameters
    ----------
    mistakes : polars.DataFrame
        As `mistakes.examine` makes it.
    title : str
    clock : {"training", "wall"}
        Of no effect.

    Returns
    -------
    altair.LayerChart
    """
    tiles = [
        {
            "column": place % COLUMNS,
            "row": place // COLUMNS,
            "text": f"{row['label']} → {row['predicted']} · {100 * row['probability']:.0f} %",
            "url": pictures.data_url(np.array(row["pixels"], dtype=np.uint8)),
        }
        for place, row in enumerate(mistakes.to_dicts())
    ]
    schema = {"column": pl.Int64, "row": pl.Int64, "text": pl.String, "url": pl.String}
    n_rows = -(-len(tiles) // COLUMNS)
    placed = alt.Chart(pl.DataFrame(tiles, schema=schema)).encode(
        alt.X("column:Q", axis=None).scale(domain=[-0.5, COLUMNS - 0.5], nice=False),
        alt.Y("row:Q", axis=None).scale(domain=[-0.5, n_rows - 0.5], reverse=True, nice=False),
    )
    # Pixels are shown as squares.
    digits = placed.mark_image(width=64, height=64, smooth=False).encode(alt.Url("url:N"))
    names = placed.mark_text(dy=-42, fontSize=12).encode(alt.Text("text:N"))
    note = "no mistake to show"
    if tiles:
        note = f"{len(tiles)} of {mistakes['of'][0]:,} mistakes: what it is → what the network says"
    return alt.LayerChart(layer=[digits, names]).properties(
        width=COLUMNS * TILE_PIXELS,
        height=max(1, n_rows) * TILE_PIXELS,
        title=theme.title(mistakes, title, *_runs(mistakes), note),
    )


def _runs(table: pl.DataFrame) -> list[str]:
    """Say which run it is; nothing if there is none."""
    return table["run"].unique().to_list()
