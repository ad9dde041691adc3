"""The look of all charts: colours, dashes, fonts."""

from typing import Any

# Okabe and Ito's colours ("Color Universal Design", 2008) without yellow and black, which are hard
# to see on a white or a black page. For what is not a batch size, which has its own (colours.py).
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"]

GREY = "#808080"
"""Of what is no result; visible on a white page and on a dark one."""

_DASHES = [[1, 0], [6, 3], [2, 2], [10, 3, 2, 3], [14, 4], [6, 2, 2, 2, 2, 2]]

NOTES_APART = " · "
"""Between the notes of a chart's subtitle."""


def dashes(index: int) -> list[int]:
    """Return the dashes of one of several kinds of lines, by its index; beyond six, again."""
    return _DASHES[index % len(_DASHES)]


def config(*, is_dark: bool = False) -> dict[str, Any]:
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
    styles = {
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
