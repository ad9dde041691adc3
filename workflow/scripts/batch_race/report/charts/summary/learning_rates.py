"""The seconds to each target by batch size and learning rate."""

from typing import Any

import altair as alt
import polars as pl

from batch_race.hyperparameters import GROUP
from batch_race.report import axes, costs, notes, theme
from batch_race.report.context import Context
from batch_race.report.groups import varying_parameters
from batch_race.report.numbers import number
from batch_race.report.theme import AnyChart


def draw(summary: pl.DataFrame, context: Context) -> AnyChart:
    """Draw a heat map of the seconds to each target; a cell without a colour has no median.

    Each target of each comparison group has a panel.
    """
    varying = varying_parameters(summary, GROUP)
    asked = summary.filter(pl.col("measure") == "seconds")
    panels: dict[str, list[dict[str, Any]]] = {}
    for row in asked.to_dicts():
        cell = {key: row[key] for key in ("batch_size", "learning_rate", "median")}
        cell["images"] = row["training_images"]
        cell["text"] = _cell_text(row)
        panels.setdefault(costs.name_target(row, varying), []).append(cell)
    legend = "seconds to target, – is a miss, × diverged, ? unknown"
    subtitle = (notes.evaluation(context.clock), legend, notes.contended(summary))
    titled = theme.title(summary, "Seconds to each target by learning rate", context, *subtitle)
    return alt.vconcat(*(_panel(name, cells) for name, cells in panels.items()), title=titled)


def _panel(name: str, cells: list[dict[str, Any]]) -> alt.LayerChart:
    sizes = axes.batch_size_labels((cell["batch_size"], cell["images"]) for cell in cells)
    chart = alt.Chart(pl.DataFrame(cells, infer_schema_length=None)).encode(
        alt.X("batch_size:O", title="batch size").axis(labelAngle=0, labelExpr=sizes),
        alt.Y("learning_rate:O", title="learning rate").sort("descending").axis(format="~g"),
    )
    shade = alt.Color("median:Q", legend=None).scale(type="log", scheme="viridis", reverse=True)
    has_median = "datum.median > 0"
    tiles = chart.transform_filter(has_median).mark_rect().encode(shade)
    is_dark = f"datum.median > {_middle(cells)}"
    ink = alt.when(is_dark).then(alt.value("white")).otherwise(alt.value("black"))
    text = alt.Text("text:N")
    texts = chart.transform_filter(has_median).mark_text(fontSize=12).encode(text, color=ink)
    others = chart.transform_filter(f"!({has_median})").encode(text)
    missed = chart.mark_rect(style="empty-cell")
    # Vega warns of a logarithmic scale without data.
    known = [tiles] if any(cell["median"] for cell in cells) else []
    words = others.mark_text(fontSize=12, style="cell-text")
    both = alt.LayerChart(layer=[missed, *known, texts, words])
    titled = alt.TitleParams(name, fontSize=13, anchor="start")
    layered: alt.LayerChart = both.resolve_scale(color="independent")
    return layered.properties(width=alt.Step(64), height=alt.Step(26), title=titled)


def _cell_text(row: dict[str, Any]) -> str:
    if row["median"] is not None:
        return number(row["median"])
    if 2 * row["diverged"] > row["runs"]:
        return "×"
    return "?" if row["unknown"] else "–"


def _middle(cells: list[dict[str, Any]]) -> float:
    """Return the geometric mean of the lowest and the highest median; 0 without any."""
    known = [cell["median"] for cell in cells if cell["median"]]
    return (min(known) * max(known)) ** 0.5 if known else 0.0
