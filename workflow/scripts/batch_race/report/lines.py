"""Line charts of histories."""

from collections.abc import Sequence
from typing import NamedTuple

import altair as alt
import polars as pl

from batch_race.hyperparameters import RUN
from batch_race.report import axes, curves, notes, series, style, theme
from batch_race.report.context import Context
from batch_race.report.series import Style
from batch_race.report.theme import AnyChart

MOST_POINTS = 120
"""Evaluations of a curve up to which each is drawn as a point; of more, the line is enough."""

_NEAR = 3.0
"""How far beyond the curves a target's line may be, as a factor of the loss."""

DIVERGED = "×: a run diverged"

_CROSS = "M-1,-1L1,1M-1,1L1,-1"


class _Range(NamedTuple):
    """The range of the axis of a loss, and whether it is logarithmic."""

    low: float
    high: float
    is_log: bool


def panel(
    named: pl.DataFrame,
    x: str,
    y: str,
    x_title: str,
    context: Context,
    *,
    is_log: bool = False,
    width: "int | alt.UndefinedType" = alt.Undefined,
    height: "int | alt.UndefinedType" = alt.Undefined,
) -> alt.LayerChart:
    """Draw a line for each series, with a band from the lowest to the highest seed.

    A run that diverged does not count for the range of the loss: a cross marks where its curve
    leaves the chart.

    Parameters
    ----------
    named : polars.DataFrame
        Collected histories with the column `series`, as `series.in_order` makes them.
    x : str
        A column.
    y : {"training_loss", "test_accuracy"}
    x_title : str
    context : Context
        Each of its targets for y is a line.
    is_log : bool
        Whether the axis of x is logarithmic, and that of a loss, unless a loss is 0.
    width, height : int
        In pixels; by default those of Vega-Lite.

    Returns
    -------
    altair.LayerChart
    """
    keys = ["series"]
    bands = curves.band(named, x, y, keys)
    diverged = named.filter(pl.col("stopped") == "diverged")["series"].unique().to_list()
    begin = bands.group_by("series", maintain_order=True).first()["high"].to_list()
    positive = bands.filter(pl.col(x) > 0)
    if is_log and positive.height:
        steady = bands.filter(pl.col("series").is_in(diverged).not_())
        has_steps = (steady[x] > 0).any()
        start = curves.log_start(steady if has_steps else bands, x, y)
        bands = curves.on_log_axis(bands, x, y, start)
    elif is_log or x == "iteration":  # the first iteration is 1
        bands = positive
    targets = context.targets.get(curves.TARGETS[y], ())
    extent = None
    if y == "training_loss":
        extent = _range(bands, begin, diverged, targets, is_log=is_log)

    chart = alt.Chart(curves.thin(bands, x, y, keys, is_log=is_log)).encode(
        _x(bands[x], x_title, is_log=is_log), *encodings(series.styles(named))
    )
    y_title = curves.Y_TITLES[y]
    lines = chart.encode(_y(y, y_title, extent), alt.Order(f"{x}:Q"))
    layers: list[alt.Chart | alt.LayerChart] = [*_target_lines(targets, extent)]
    if named["seed"].n_unique() > 1:
        opacity = 0.2 if named["series"].n_unique() <= 6 else 0.1
        spread = chart.mark_area(opacity=opacity, clip=True)
        layers.append(spread.encode(_y("low", y_title, extent).axis(None), alt.Y2("high:Q")))
    layers.append(lines.mark_line(clip=True))
    lines = lines.encode(_y(y, y_title, extent).axis(None))
    layers.append(_points(lines, bands))
    if extent:
        of_diverged = bands.filter(pl.col("series").is_in(diverged))
        left = curves.exits(of_diverged, x, y, extent.high, is_log=extent.is_log)
        if left.height:
            crosses = lines.mark_point(shape=_CROSS, size=60, strokeWidth=2, opacity=1)
            solid = crosses.encode(strokeDash=alt.value(style.dashes(0)))
            layers.append(solid.properties(data=left))
    # The targets' labels are an axis of their own, to the right, where no curve is.
    # All at once, since Altair copies the layers for each change.
    apart = alt.Resolve(axis=alt.AxisResolveMap(y="independent"))
    return alt.LayerChart(layer=layers, resolve=apart, width=width, height=height)


def encodings(styles: dict[str, Style]) -> tuple[alt.Color, alt.StrokeDash]:
    """Return the colours and dashes of the column `series`, with a legend of several.

    Parameters
    ----------
    styles : dict of str to Style
        By the names of the series, in order.
    """
    colours, dashes = ([style[part] for style in styles.values()] for part in (0, 1))
    colour = alt.Color("series:N", title=None).scale(domain=list(styles), range=colours)
    dash = alt.StrokeDash("series:N", title=None).scale(domain=list(styles), range=dashes)
    if len(styles) == 1:
        return colour.legend(None), dash.legend(None)
    legend = alt.Legend(
        symbolLimit=100,
        symbolType="stroke",
        symbolStrokeWidth=2,
        symbolSize=400,  # long enough to show dashes
        symbolOpacity=1,
    )
    return colour.legend(legend), dash


def grid(histories: pl.DataFrame, y: str, text: str, context: Context) -> AnyChart:
    """Draw curves against each measure of cost, one row for each, linear and logarithmic.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.
    y : {"training_loss", "test_accuracy"}
    text : str
        The title.
    context : Context

    Returns
    -------
    altair.ConcatChart
    """
    chosen, note = curves.choose(histories)
    named, names = series.in_order(chosen)
    panels = [
        panel(named, x, y, x_title, context, is_log=is_log, width=340, height=220)
        for x, x_title in curves.X_TITLES.items()
        for is_log in (False, True)
    ]
    titled = title(named, text, context, note, width=750)
    # Not rows in a column: Altair copies all panels for each level of nesting.
    return theme.with_legend(alt.concat(*panels, columns=2, title=titled), names, width=750)


def title(
    named: pl.DataFrame, text: str, context: Context, note: str, width: int = 600
) -> alt.TitleParams:
    """Return the title of a chart of histories.

    Parameters
    ----------
    named : polars.DataFrame
        The histories that it shows.
    text : str
        What it shows.
    context : Context
    note : str
        Which histories it shows, as `curves.choose` gives it.
    width : int
        Of the chart, in pixels.
    """
    has_diverged = (named["stopped"] == "diverged").any()
    runs = named.unique(RUN)["contended"]
    names = named["series"].unique()
    said = (
        names[0] if len(names) == 1 else "",  # it has no legend
        notes.evaluation(context.clock),
        note,
        DIVERGED if has_diverged else "",
        notes.of_runs_contended(int(runs.sum()), len(runs)),
    )
    return theme.title(named, text, context, *said, width=width)


def _range(
    bands: pl.DataFrame,
    begin: Sequence[float | None],
    diverged: Sequence[str],
    targets: Sequence[float],
    *,
    is_log: bool,
) -> _Range | None:
    """Return the range of the losses of what did not diverge, and of what is below its beginning.

    Parameters
    ----------
    bands : polars.DataFrame
        As `curves.band` makes it.
    begin : sequence of float or None
        The losses before the first step.
    diverged : sequence of str
        The series with a run that diverged.
    targets : sequence of float
        Those near the range are in it.
    is_log : bool
        Whether the axis is to be logarithmic; it is not if a loss is 0.

    Returns
    -------
    _Range or None
        None without a finite loss.
    """
    calm = bands.filter(~pl.col("series").is_in(diverged))["high"].to_list()
    high = max((float(value) for value in (*calm, *begin) if value is not None), default=None)
    if high is None:
        return None
    low = min(bands.filter(pl.col("low") <= high)["low"].to_list(), default=0.0)
    if not is_log or low <= 0:
        return _Range(0.0, high * 1.04, is_log=False)
    low = min([low, *(target for target in targets if low / _NEAR <= target <= low)])
    return _Range(*axes.widened(low, high), is_log=True)


def _x(values: pl.Series, x_title: str, *, is_log: bool) -> alt.X:
    axis = alt.Axis(labelExpr=axes.LABELS)
    if is_log and len(values):
        low, high = (float(end) for end in values.sort().to_numpy()[[0, -1]])
        axis.values = axes.log_ticks(low, high)
        scale = axes.log_scale(low, high)
    else:
        axis.tickCount = 6
        scale = alt.Scale(type="linear", nice=False, zero=values.name != "iteration")
    if values.name in ("step", "iteration"):
        axis.tickMinStep = 1
    return alt.X(f"{values.name}:Q", title=x_title, axis=axis, scale=scale)


def _y(field: str, y_title: str, extent: _Range | None) -> alt.Y:
    axis = alt.Axis(labelExpr=axes.LABELS, grid=True)  # or Vega-Lite grids the first axis alone
    scale: alt.Scale | alt.UndefinedType = alt.Undefined
    if extent is not None and extent.is_log:
        axis.values = axes.log_ticks(extent.low, extent.high)
        scale = axes.log_scale(extent.low, extent.high)
    elif extent is not None:
        scale = alt.Scale(type="linear", domain=[extent.low, extent.high], nice=False)
    return alt.Y(f"{field}:Q", title=y_title, axis=axis, scale=scale)


def _points(lines: alt.Chart, bands: pl.DataFrame) -> alt.Chart:
    """Draw the points of the curves that have few."""
    counts = bands.group_by("series", maintain_order=True).len()
    sparse = counts.filter(pl.col("len") <= MOST_POINTS)["series"].to_list()
    # A description of each point, for screen readers, would be most of the file.
    points = lines.mark_point(filled=True, size=12, opacity=1, aria=False, clip=True)
    drawn: alt.Chart = points.transform_filter(alt.FieldOneOfPredicate("series", oneOf=sparse))
    return drawn


def _target_lines(targets: Sequence[float], extent: _Range | None) -> list[alt.Chart]:
    """Draw a line at each target in the range, with its value."""
    shown = [
        float(target) for target in targets if extent is None or extent.low <= target <= extent.high
    ]
    if not shown:
        return []
    axis = alt.Axis(
        orient="right",
        values=shown,
        labelExpr=f"'target ' + {axes.LABELS}",
        labelColor=style.GREY,
        labelFontSize=11,
        grid=False,
        domain=False,
        ticks=False,
    )
    chart = alt.Chart(pl.DataFrame({"target": shown})).encode(
        alt.Y("target:Q", title=None, axis=axis)
    )
    return [chart.mark_rule(color=style.GREY, strokeWidth=1)]
