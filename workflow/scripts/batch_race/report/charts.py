"""The charts: one function each, one theme."""

from collections.abc import Callable
from typing import Any

import altair as alt
import polars as pl

from batch_race.analyze.comparison import best_of_each_batch_size
from batch_race.analyze.measures import CONFIGURATION, SETTING
from batch_race.report import curves, messages, mistake_charts, theme
from batch_race.report.theme import AnyChart

SPENT = {
    "training_seconds": "seconds of training",
    "wall_seconds": "seconds in all",
    "step": "steps",
    "examples": "examples",
}
"""What a curve is drawn against: columns of a history, in words."""


def loss_by_seconds(histories: pl.DataFrame, title: str, clock: str) -> AnyChart:
    """Draw the chapter's figure: the training loss against time, a line for each configuration.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.
    title : str
    clock : {"training", "wall"}
        The seconds to draw against.

    Returns
    -------
    altair.LayerChart
    """
    chosen, note = curves.choose(histories)
    chart = _lines(chosen, f"{clock}_seconds", "time (seconds)", "training_loss", "loss")
    titled = theme.title(histories, title, _evaluated(clock), note)
    return theme.with_legend(
        chart.properties(width=600, height=400, title=titled), in_order(chosen)[1]
    )


def learning_by_iteration(histories: pl.DataFrame, title: str, clock: str) -> AnyChart:
    """Draw the loss and the accuracy after each iteration, from the first on, side by side.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.
    title : str
    clock : {"training", "wall"}
        The clock of the budget, for the subtitle.

    Returns
    -------
    altair.HConcatChart
    """
    chosen, note = curves.choose(histories)
    by_iteration = chosen.rename({"step": "iteration"})
    pair = [
        _lines(by_iteration, "iteration", "iteration", "training_loss", "loss"),
        _lines(by_iteration, "iteration", "iteration", "test_accuracy", "accuracy (%)"),
    ]
    charts = [chart.properties(width=400, height=300) for chart in pair]
    titled = theme.title(histories, title, _evaluated(clock), note)
    return theme.with_legend(alt.hconcat(*charts, title=titled), in_order(chosen)[1], width=850)


def loss_curves(histories: pl.DataFrame, title: str, clock: str) -> AnyChart:
    """Draw the loss against both clocks, the steps and the examples, on linear and log axes.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.
    title : str
    clock : {"training", "wall"}
        The clock of the budget, for the subtitle.

    Returns
    -------
    altair.VConcatChart
    """
    return _grid(histories, "training_loss", "loss", title, clock)


def accuracy_curves(histories: pl.DataFrame, title: str, clock: str) -> AnyChart:
    """Draw the accuracy as `loss_curves` draws the loss; its own axis is linear."""
    return _grid(histories, "test_accuracy", "accuracy (%)", title, clock)


def seconds_to_target(summary: pl.DataFrame, title: str, clock: str) -> AnyChart:
    """Draw the seconds to each target against the batch size, each at its best learning rate.

    Parameters
    ----------
    summary : polars.DataFrame
        As `statistics.summarize` makes it.
    title : str
    clock : {"training", "wall"}
        The clock of the budget, for the subtitle.

    Returns
    -------
    altair.LayerChart
    """
    return _costs(summary, "seconds", "seconds to target", title, clock)


def steps_to_target(summary: pl.DataFrame, title: str, clock: str) -> AnyChart:
    """Draw the steps to each target against the batch size; see `seconds_to_target`."""
    return _costs(summary, "steps", "steps to target", title, clock)


def examples_to_target(summary: pl.DataFrame, title: str, clock: str) -> AnyChart:
    """Draw the examples to each target against the batch size; see `seconds_to_target`."""
    return _costs(summary, "examples", "examples to target", title, clock)


def throughput(summary: pl.DataFrame, title: str, clock: str) -> AnyChart:
    """Draw the steps and the examples a second against the batch size, side by side.

    Parameters
    ----------
    summary : polars.DataFrame
        As `statistics.summarize` makes it.
    title : str
    clock : {"training", "wall"}
        Of no effect: the rates are those of the steps alone.

    Returns
    -------
    altair.HConcatChart
    """
    pair = []
    for what in ("steps", "examples"):
        # A point for each batch size, and a bar that spans its learning rates.
        rates = (
            summary.filter(pl.col("measure") == f"{what}_per_second")
            .group_by(*SETTING, "batch_size")
            .agg(pl.col("median").median(), pl.col("low").min(), pl.col("high").max())
            .sort("batch_size")
        )
        telling = messages.telling_keys(rates.to_dicts())
        rows = [row | {"series": messages.where(row, telling)} for row in rates.to_dicts()]
        names = sorted({row["series"] for row in rows})
        chart = _against_batch_size(rows, names, f"{what} per second", "on")
        pair.append(chart.properties(width=340, height=300))
    titled = theme.title(summary, title, "steps alone", _bars(summary), _contended(summary))
    return theme.with_legend(alt.hconcat(*pair, title=titled), names)


def learning_rates(summary: pl.DataFrame, title: str, clock: str) -> AnyChart:
    """Draw a map of the seconds to each target by batch size and learning rate.

    Parameters
    ----------
    summary : polars.DataFrame
        As `statistics.summarize` makes it.
    title : str
    clock : {"training", "wall"}
        The clock of the budget, for the subtitle.

    Returns
    -------
    altair.VConcatChart
        A panel for each target and setting; a cell without a colour has no median.
    """
    telling = _telling_settings(summary)
    asked = summary.filter(pl.col("measure") == "seconds")
    panels: dict[str, list[dict[str, Any]]] = {}
    for row in asked.to_dicts():
        cell = {key: row[key] for key in ("batch_size", "learning_rate", "median")}
        panels.setdefault(_goal_name(row, telling), []).append(cell | {"text": _cell_text(row)})
    what = "seconds to target, – is a miss, ? unknown"
    titled = theme.title(summary, title, _evaluated(clock), what, _contended(summary))
    return alt.vconcat(*(_map(name, cells) for name, cells in panels.items()), title=titled)


CHARTS: dict[str, Callable[[pl.DataFrame, str, str], AnyChart]] = {
    "loss_by_seconds": loss_by_seconds,
    "learning_by_iteration": learning_by_iteration,
    "loss_curves": loss_curves,
    "accuracy_curves": accuracy_curves,
    "seconds_to_target": seconds_to_target,
    "steps_to_target": steps_to_target,
    "examples_to_target": examples_to_target,
    "throughput": throughput,
    "learning_rates": learning_rates,
    "confusion_matrix": mistake_charts.confusion_matrix,
    "worst_mistakes": mistake_charts.worst_mistakes,
}
"""The first four draw collected histories, the last two what `mistakes` finds, the others a
summary."""


def series_names(histories: pl.DataFrame) -> pl.Series:
    """Name the configuration of each row as the chapter does, and by what else tells it apart.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.

    Returns
    -------
    polars.Series of String
        "Stochastic GD" for batch size 1, "Batch GD" for all examples, else "Batch 32"; with, for
        example, ", learning_rate 0.1" where the experiment has several learning rates, and
        "(contended)" or "(diverged)" where one of its runs was or did so.
    """
    batch_name = (
        pl.when(pl.col("batch_size") == 1)
        .then(pl.lit("Stochastic GD"))
        .when(pl.col("batch_size") == pl.col("training_images"))
        .then(pl.lit("Batch GD"))
        .otherwise(pl.format("Batch {}", "batch_size"))
    )
    others = [pl.format(f", {key} {{}}", pl.col(key)) for key in _telling(histories)]
    marks = [
        pl.when(mark.any().over(CONFIGURATION)).then(pl.lit(text)).otherwise(pl.lit(""))
        for mark, text in (
            (pl.col("contended"), " (contended)"),
            (pl.col("stopped") == "diverged", " (diverged)"),
        )
    ]
    return histories.select(pl.concat_str(batch_name, *others, *marks).alias("series"))["series"]


def in_order(histories: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Name the series of each row in the column `series`, and list the names by batch size."""
    named = histories.with_columns(series_names(histories)).sort(
        "batch_size", "learning_rate", maintain_order=True
    )
    return named, named["series"].unique(maintain_order=True).to_list()


def _telling(table: pl.DataFrame) -> list[str]:
    obvious = ("batch_size", "training_images")
    return [key for key in CONFIGURATION if key not in obvious and table[key].n_unique() > 1]


def _telling_settings(summary: pl.DataFrame) -> list[str]:
    return [key for key in _telling(summary) if key in SETTING]


def _grid(histories: pl.DataFrame, y: str, y_title: str, title: str, clock: str) -> AnyChart:
    """Draw curves against all that may be spent, a row for each, linear and log side by side."""
    chosen, note = curves.choose(histories)
    rows = []
    for x, x_title in SPENT.items():
        pair = [
            _lines(chosen, x, x_title, y, y_title, is_log=is_log).properties(width=340, height=220)
            for is_log in (False, True)
        ]
        rows.append(alt.hconcat(*pair))
    titled = theme.title(histories, title, _evaluated(clock), note)
    return theme.with_legend(alt.vconcat(*rows, title=titled), in_order(chosen)[1], width=750)


_MARKED = 120


def _lines(
    histories: pl.DataFrame, x: str, x_title: str, y: str, y_title: str, *, is_log: bool = False
) -> alt.LayerChart:
    """Draw a line for each configuration, with a band from the least to the greatest seed."""
    named, names = in_order(histories)
    bands = curves.band(named, x, y, ["series"])
    if is_log or x == "iteration":  # the first iteration is 1
        bands = bands.filter(pl.col(x) > 0)
    thinned = curves.thin(bands, x, y, ["series"], is_log=is_log)
    across = alt.X(f"{x}:Q", title=x_title).scale(type="log" if is_log else "linear", nice=False)
    if x in ("step", "iteration"):
        across = across.axis(tickMinStep=1)
    # What is not above 0 has no place on a logarithmic axis, and an accuracy no need of one.
    has_log_y = is_log and y == "training_loss" and thinned.filter(pl.col("low") <= 0).is_empty()
    up = alt.Scale(type="log" if has_log_y else "linear", nice=not has_log_y)
    chart = alt.Chart(thinned).encode(across, *_series(names, "type"))
    lines = chart.encode(alt.Y(f"{y}:Q", title=y_title, scale=up), alt.Order(f"{x}:Q"))
    # Points mark the evaluations of a curve that has few; of many, one sees the line.
    counts = thinned.group_by("series", maintain_order=True).len().filter(pl.col("len") <= _MARKED)
    sparse = alt.FieldOneOfPredicate(field="series", oneOf=counts["series"].to_list())
    # Each point's description, for who cannot see it, would be most of a file; the table has them.
    points = lines.mark_point(filled=True, size=12, opacity=1, aria=False).transform_filter(sparse)
    layers = [lines.mark_line(), points]
    if named["seed"].n_unique() > 1:
        spread = chart.mark_area(opacity=0.2 if len(names) <= len(theme.COLOURS) else 0.1)
        layers.insert(0, spread.encode(alt.Y("low:Q", title=y_title, scale=up), alt.Y2("high:Q")))
    return alt.LayerChart(layer=layers)


def _series(names: list[str], title: str) -> tuple[alt.Color, alt.StrokeDash]:
    styles = [theme.line_style(place) for place in range(len(names))]
    colours, dashes = ([style[part] for style in styles] for part in (0, 1))
    colour = alt.Color("series:N", title=title).scale(domain=names, range=colours)
    return (
        colour.legend(
            symbolLimit=100,
            symbolType="stroke",
            symbolStrokeWidth=2,
            symbolSize=400,  # long enough to show dashes
            symbolOpacity=1,
        ),
        alt.StrokeDash("series:N", title=title).scale(domain=names, range=dashes),
    )


def _costs(summary: pl.DataFrame, cost: str, axis: str, title: str, clock: str) -> AnyChart:
    """Draw what each target costs against the batch size, each at its best learning rate."""
    telling = _telling_settings(summary)
    asked = summary.filter(pl.col("measure") == cost).to_dicts()
    names = list(dict.fromkeys(_goal_name(row, telling) for row in asked))
    best = best_of_each_batch_size(summary, cost).to_dicts()
    rows = [row | {"series": _goal_name(row, telling)} for row in best]
    chart = _against_batch_size(rows, names, axis, "target")
    has_rates = summary["learning_rate"].n_unique() > 1
    note = "each batch size at its best learning rate" if has_rates else ""
    notes = (_evaluated(clock), note, _bars(summary), _contended(summary))
    titled = theme.title(summary, title, *notes)
    return theme.with_legend(chart.properties(width=600, height=400, title=titled), names)


def _against_batch_size(
    rows: list[dict[str, Any]], names: list[str], axis: str, legend: str
) -> alt.LayerChart:
    """Draw medians against the batch size, on logarithmic axes, with intervals."""
    columns: dict[str, type[pl.DataType]] = {"series": pl.String, "batch_size": pl.Int64}
    columns |= dict.fromkeys(("median", "low", "high"), pl.Float64)
    shown = [{key: row[key] for key in columns} for row in rows]
    # Nothing is at 0 on a logarithmic axis.
    table = pl.DataFrame(shown, schema=columns).filter(pl.col("median") > 0)
    log = alt.Scale(type="log", nice=False, padding=8)
    sizes = table["batch_size"].unique().sort().to_list()
    # The batch sizes themselves are marked, as long as there are not too many of them.
    marked = sizes if len(sizes) <= curves.MOST_CURVES else alt.Undefined
    across = alt.X("batch_size:Q", title="batch size", scale=log).axis(values=marked, format="d")
    chart = alt.Chart(table).encode(across, *_series(names, legend))
    lines = chart.encode(alt.Y("median:Q", title=axis, scale=log))
    intervals = chart.mark_rule().encode(alt.Y("low:Q", title=axis), alt.Y2("high:Q"))
    layers = [lines.mark_line(), lines.mark_point(filled=True, size=40, opacity=1)]
    if table["low"].count():
        layers.insert(0, intervals)
    return alt.LayerChart(layer=layers)


def _map(name: str, cells: list[dict[str, Any]]) -> alt.LayerChart:
    """Draw one panel of the map of learning rates."""
    chart = alt.Chart(pl.DataFrame(cells, infer_schema_length=None)).encode(
        alt.X("batch_size:O", title="batch size").axis(labelAngle=0),
        alt.Y("learning_rate:O", title="learning rate").sort("descending").axis(format="~g"),
    )
    shade = alt.Color("median:Q", legend=None).scale(type="log", scheme="viridis", reverse=True)
    tiles = chart.transform_filter("datum.median > 0").mark_rect().encode(shade)
    is_dark = f"datum.median > {_middle(cells)}"
    ink = alt.when(is_dark).then(alt.value("white")).otherwise(alt.value("black"))
    texts = chart.mark_text(fontSize=12).encode(alt.Text("text:N"), color=ink)
    missed = chart.mark_rect(color="#f4f4f4")  # black letters are legible on it, on any page
    # A logarithmic scale of nothing would be complained of.
    known = [tiles] if any(cell["median"] for cell in cells) else []
    both = alt.LayerChart(layer=[missed, *known, texts])
    panel = alt.TitleParams(name, fontSize=13, anchor="start")
    layered: alt.LayerChart = both.resolve_scale(color="independent")
    return layered.properties(width=alt.Step(64), height=alt.Step(26), title=panel)


def _cell_text(row: dict[str, Any]) -> str:
    if row["median"] is not None:
        return messages.number(row["median"])
    return "?" if row["unknown"] else "–"


def _middle(cells: list[dict[str, Any]]) -> float:
    known = [cell["median"] for cell in cells if cell["median"]]
    return (min(known) * max(known)) ** 0.5 if known else 0.0


def _goal_name(row: dict[str, Any], telling: list[str]) -> str:
    return ", ".join([messages.goal(row), *(f"{key} {row[key]}" for key in telling)])


def _bars(summary: pl.DataFrame) -> str:
    """Name the intervals that a chart of medians draws as bars."""
    kinds = summary["interval"].drop_nulls().unique(maintain_order=True).to_list()
    return f"bars: {' or '.join(kinds)}" if kinds else ""


def _contended(summary: pl.DataFrame) -> str:
    """Mark a chart of medians: how many of the runs behind it were contended."""
    configurations = summary.filter(pl.col("measure") == "final_loss")
    contended, runs = configurations.select(pl.col("contended", "runs").sum()).row(0)
    return f"{contended} of {runs} runs contended" if contended else ""


def _evaluated(clock: str) -> str:
    return "evaluation off the clock" if clock == "training" else "evaluation on the clock"
