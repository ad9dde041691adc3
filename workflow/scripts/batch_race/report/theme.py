"""The titles and legends of charts, in the project's style, and their files."""

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import altair as alt
import polars as pl
import vl_convert

from batch_race.report import style
from batch_race.report.context import Context
from batch_race.store.files import replacing

THEME = "batch_race"

_NOTES_APART = style.NOTES_APART.replace(
    " ", "\N{NO-BREAK SPACE}", 1
)  # no line may begin with the dot

_LONGEST_BESIDE = 24
"""Characters of the longest name in a legend beside the chart."""

AnyChart = alt.LayerChart | alt.ConcatChart | alt.HConcatChart | alt.VConcatChart


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
    joined = _NOTES_APART.join(_unbreakable(note, width // 6) for note in kept)
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
    return {"config": cast(alt.theme.ConfigKwds, style.config())}


# Altair refuses more than 5,000 rows by default.
alt.data_transformers.disable_max_rows()
