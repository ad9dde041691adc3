"""The look of all charts (colours, fonts, titles, legends), and their files."""

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import vl_convert

from batch_race.report.context import Context
from batch_race.store.files import replacing

# Okabe and Ito's colours ("Color Universal Design", 2008) without yellow and black, which are hard
# to see on a white or a black page. For what is not a batch size, which has its own (colours.py).
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"]

GREY = "#808080"
"""Of what is no result; visible on a white page and on a dark one."""

_DASHES = [[1, 0], [6, 3], [2, 2], [10, 3, 2, 3], [14, 4], [6, 2, 2, 2, 2, 2]]

THEME = "batch_race"

_LONGEST_BESIDE = 24
"""Characters of the longest name in a legend beside the chart."""

_DOT = "\N{NO-BREAK SPACE}· "  # no line may begin with the dot

AnyChart = alt.LayerChart | alt.ConcatChart | alt.HConcatChart | alt.VConcatChart


def dashes(index: int) -> list[int]:
    """Return the dashes of one of several kinds of lines, by its index; beyond six, again."""
    return _DASHES[index % len(_DASHES)]


def config(*, is_dark: bool = False) -> alt.theme.ConfigKwds:
    """Return Vega-Lite's configuration, for a white page or a dark one.

    Parameters
    ----------
    is_dark : bool
        Whether the chart stands on a dark page; its background is then transparent.

    Returns
    -------
    dict
    """
    ink, grey, grid = (
        ("#f0f0f0", "#b8b8b8", "#3a3a3a") if is_dark else ("black", "#595959", "#e5e5e5")
    )
    empty, strong, shades = (
        ("#26292d", "#54595f", ["#3b2a1a", "#b25e0a"])
        if is_dark
        else ("#f4f4f4", "#cfcfcf", ["#fdf0e1", "#f28e2b"])
    )
    # Of matrices: cells without a value, those that stand out, and letters on both.
    styles: Any = {  # Altair's type knows Vega's own styles only
        "empty-cell": {"color": empty},
        "strong-cell": {"color": strong},
        "cell-text": {"color": ink},
    }
    return {
        # White, so that a single chart is legible on a dark page too.
        "background": "transparent" if is_dark else "white",
        "padding": 12,
        "font": "Helvetica, Arial, 'DejaVu Sans', sans-serif",
        "title": {
            "fontSize": 16,
            "subtitleFontSize": 12,
            "color": ink,
            "subtitleColor": grey,
            "offset": 12,
        },
        "axis": {
            "labelFontSize": 12,
            "labelFlush": False,
            "labelOverlap": True,
            "labelSeparation": 8,
            "titleFontSize": 13,
            "titleFontWeight": "normal",
            "labelColor": ink,
            "titleColor": ink,
            "gridColor": grid,
            "domainColor": grey,
            "tickColor": grey,
        },
        "legend": {
            "labelFontSize": 12,
            "titleFontSize": 12,
            "labelLimit": 0,
            "labelColor": ink,
            "titleColor": ink,
        },
        # A mitred corner would draw a spike too high.
        "line": {"strokeWidth": 2, "strokeJoin": "round"},
        "style": styles,
        "range": {"heatmap": shades},
        "view": {"stroke": None},
    }


def title(
    table: pl.DataFrame, text: str, context: Context, *notes: str, width: int = 600
) -> alt.TitleParams:
    """Return the title of a chart, with the experiment, dataset, notes and machine as a subtitle.

    Parameters
    ----------
    table : polars.DataFrame
        With the columns dataset and machine.
    text : str
        What this chart shows.
    context : Context
    *notes : str
        Empty ones are left out.
    width : int
        Of the chart, in pixels: longer lines are wrapped.

    Returns
    -------
    altair.TitleParams
    """
    datasets = ", ".join(table["dataset"].unique().sort())
    machines = ", ".join(table["machine"].unique().sort())
    kept = [note for note in (context.title, datasets, *notes, machines) if note]
    # A character is about half as wide as its font size: 8 pixels in a title, 6 in a subtitle.
    joined = _DOT.join(_unbreakable(note, width // 6) for note in kept)
    subtitle = _wrapped(joined, width // 6)
    return alt.TitleParams(_wrapped(text, width // 8), subtitle=subtitle, anchor="start")


def with_legend(chart: AnyChart, names: Sequence[str], width: int = 600) -> AnyChart:
    """Return a chart with its legend below it if the names are long.

    Parameters
    ----------
    chart : altair.Chart
    names : sequence of str
        Of the series.
    width : int
        Of the chart, in pixels.

    Returns
    -------
    altair.Chart
    """
    longest = max(map(len, names), default=0)
    if longest <= _LONGEST_BESIDE:
        return chart
    columns = max(1, width // (60 + 6 * longest))
    below: AnyChart = chart.configure_legend(orient="bottom", columns=columns)
    return below


def describe(chart: AnyChart | alt.Chart) -> dict[str, Any]:
    """Return a chart as Vega-Lite.

    It is not validated against Vega-Lite's schema, which takes as long as drawing; the tests of the
    charts do that.
    """
    described: dict[str, Any] = chart.to_dict(validate=False)
    return described


def save(chart: AnyChart | alt.Chart, *paths: Path) -> None:
    """Write a chart in one or several formats, as `write` does."""
    described = describe(chart)
    for path in paths:
        write(described, path)


def write(described: dict[str, Any], path: Path) -> None:
    """Write a chart, completely or not at all.

    Parameters
    ----------
    described : dict
        Vega-Lite.
    path : Path
        Its suffix is the format: `.svg`, `.png` (at twice the size) or `.json` (Vega-Lite).
    """
    convert = {
        ".svg": lambda: vl_convert.vegalite_to_svg(described).encode(),
        ".png": lambda: vl_convert.vegalite_to_png(described, scale=2),
        ".json": lambda: json.dumps(described).encode(),
    }
    content = convert[path.suffix]()
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _unbreakable(note: str, width: int) -> str:
    """Return a note with no-break spaces if it fits a line of so many characters."""
    return note.replace(" ", "\N{NO-BREAK SPACE}") if len(note) <= width else note


def _wrapped(text: str, width: int) -> str | list[str]:
    lines = [line.replace("\N{NO-BREAK SPACE}", " ") for line in textwrap.wrap(text, width)]
    return lines if len(lines) > 1 else "".join(lines)


@alt.theme.register(THEME, enable=True)
def _theme() -> alt.theme.ThemeConfig:
    return {"config": config()}


# Altair refuses more than 5,000 rows by default.
alt.data_transformers.disable_max_rows()
