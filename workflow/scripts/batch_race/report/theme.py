"""How all charts look: their colours, letters and titles, and the files they are written to."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import altair as alt
import polars as pl

from batch_race.store.files import replacing

# Okabe and Ito's colours ("Color Universal Design", 2008) without yellow and black, which get lost
# on a white or a black page. Beyond six lines, dashes tell those of one colour apart.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"]

DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3]]

THEME = "batch_race"

_BESIDE = 24
"""Letters of the longest name in a legend beside the chart."""

_DOT = "\N{NO-BREAK SPACE}· "  # no line begins with it

AnyChart = alt.LayerChart | alt.HConcatChart | alt.VConcatChart


def line_style(place: int) -> tuple[str, list[int]]:
    """Give the colour and the dashes of one line of several, by its place among them."""
    return COLOURS[place % len(COLOURS)], DASHES[place // len(COLOURS) % len(DASHES)]


def config(*, is_dark: bool = False) -> alt.theme.ConfigKwds:
    """Give Vega-Lite's configuration, for a white page or a dark one.

    Parameters
    ----------
    is_dark : bool
        Whether the chart lies on a dark page, which then shows through.

    Returns
    -------
    dict
    """
    ink, grey, grid = (
        ("#f0f0f0", "#b8b8b8", "#3a3a3a") if is_dark else ("black", "#595959", "#e5e5e5")
    )
    return {
        # White under a chart that stands by itself: it stays legible on a dark page.
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
        # A mitred corner would show a spike higher than it is.
        "line": {"strokeWidth": 2, "strokeJoin": "round"},
        "view": {"stroke": None},
    }


def title(table: pl.DataFrame, text: str, *notes: str, width: int = 600) -> alt.TitleParams:
    """Make the title of a chart, with its dataset, notes and machine in smaller letters.

    Parameters
    ----------
    table : polars.DataFrame
        With the columns dataset and machine.
    text : str
    *notes : str
        Empty ones are left out.
    width : int
        Of the chart, in pixels: longer lines are broken.

    Returns
    -------
    altair.TitleParams
    """
    datasets = ", ".join(table["dataset"].unique().sort())
    machines = ", ".join(table["machine"].unique().sort())
    kept = [note for note in (datasets, *notes, machines) if note]
    # A letter is about half as wide as its size: 8 pixels in a title, 6 below it.
    subtitle = _broken(_DOT.join(_together(note, width // 6) for note in kept), width // 6)
    return alt.TitleParams(_broken(text, width // 8), subtitle=subtitle, anchor="start")


def with_legend(chart: AnyChart, names: Sequence[str], width: int = 600) -> AnyChart:
    """Lay a legend of long names under a chart: beside it, the chart would be the smaller part.

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
    if longest <= _BESIDE:
        return chart
    columns = max(1, width // (60 + 6 * longest))
    below: AnyChart = chart.configure_legend(orient="bottom", columns=columns)
    return below


def save(chart: AnyChart | alt.Chart, path: Path) -> None:
    """Write a chart, whole or not at all.

    Parameters
    ----------
    chart : altair.Chart
    path : Path
        Its suffix says how: `.svg`, `.png` (at twice the size) or `.json` (Vega-Lite).
    """
    with replacing(path) as temporary:
        chart.save(temporary, scale_factor=2 if path.suffix == ".png" else 1)


def _together(note: str, letters: int) -> str:
    """Hold a note that fits a line together, with spaces at which no line is broken."""
    return note.replace(" ", "\N{NO-BREAK SPACE}") if len(note) <= letters else note


def _broken(text: str, letters: int) -> str | list[str]:
    lines = [line.replace("\N{NO-BREAK SPACE}", " ") for line in textwrap.wrap(text, letters)]
    return lines if len(lines) > 1 else "".join(lines)


@alt.theme.register(THEME, enable=True)
def _theme() -> alt.theme.ThemeConfig:
    return {"config": config()}


# The histories' number of rows is the experiment's business, not a limit of Altair's.
alt.data_transformers.disable_max_rows()
