"""The curves that the page's own script draws."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from batch_race.analyze.comparison import Answer
from batch_race.analyze.measures import matching
from batch_race.analyze.targets import describe_target
from batch_race.hyperparameters import GROUP, WITHIN_GROUP
from batch_race.report import curves, series
from batch_race.report.numbers import number

COLUMNS = 120
"""Columns to which a curve is thinned, on a linear and on a logarithmic axis; few, so that the page
is small."""


def race(
    histories: pl.DataFrame, targets: Mapping[str, Sequence[float]], answers: Iterable[Answer]
) -> dict[str, Any]:
    """Return the curves that the page's own script draws.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.
    targets : mapping of str to sequence of float
        Training losses in nats (`loss`) and test accuracies in percent (`accuracy`).
    answers : iterable of dict
        As `comparison.compare` gives them.

    Returns
    -------
    dict
        `note`, which curves are shown; `series`: the name and style of each, what it is (`about`)
        and whether one of its runs `diverged`; `curves`, by x and y column, for each series the
        lists x, y and, with several seeds, low and high; `log_starts`, by the same, where a
        logarithmic axis of x begins; `targets`, by y column, the value and name of each; and
        `firsts`, by y column, the drawn series that were first to a target, and when.
    """
    chosen, note = curves.choose(histories)
    named, names = series.in_order(chosen)
    parts = named.partition_by("series", as_dict=True)
    diverged = named.filter(pl.col("stopped") == "diverged")["series"].unique().to_list()
    bands = {
        x: {y: curves.band(named, x, y, ["series"]) for y in curves.Y_TITLES}
        for x in curves.X_TITLES
    }
    has_band = named["seed"].n_unique() > 1
    return {
        "note": note,
        "series": [
            {"name": name, "colour": colour, "dash": dash}
            | {"about": _about(parts[(name,)]), "diverged": name in diverged}
            for name, (colour, dash) in series.styles(named).items()
        ],
        "curves": {
            x: {y: _columns(of_y, names, x, y, has_band) for y, of_y in of_x.items()}
            for x, of_x in bands.items()
        },
        "log_starts": {
            x: {y: _log_start(of_y, diverged, x, y) for y, of_y in of_x.items()}
            for x, of_x in bands.items()
        },
        "targets": {y: _targets(target, targets) for y, target in curves.TARGETS.items()},
        "firsts": {y: _firsts(named, answers, target) for y, target in curves.TARGETS.items()},
    }


def _about(rows: pl.DataFrame) -> str:
    """Return what a line is as text, besides its name.

    Parameters
    ----------
    rows : polars.DataFrame
        The histories of its runs.
    """
    runs = rows.group_by("seed").agg(
        pl.col("stopped", "contended").first(), pl.col("training_seconds").max()
    )
    spent = sorted(runs["training_seconds"])
    ends = dict.fromkeys([number(spent[0]), number(spent[-1])])  # one if they read the same
    median = f"median of {len(runs)} seeds, band from the lowest to the highest"
    flags = {
        "contended (its times read high)": runs["contended"].sum(),
        "diverged": (runs["stopped"] == "diverged").sum(),
    }
    parts = [
        f"learning rate {rows['learning_rate'][0]:g}",
        f"trained for {' to '.join(ends)} s",
        median if len(runs) > 1 else "1 seed",
        *(f"{count} of {len(runs)} runs {flag}" for flag, count in flags.items() if count),
    ]
    return "; ".join(parts)


def _targets(target: str, targets: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    """Return the value and name of each target of the loss, or of the accuracy."""
    return [
        {"value": value, "name": describe_target({"target": target, "target_value": value})}
        for value in targets.get(target, ())
    ]


def _firsts(named: pl.DataFrame, answers: Iterable[Answer], target: str) -> list[dict[str, Any]]:
    """Return the series first to each target of the loss, or of the accuracy, and its seconds."""
    firsts = []
    for asked in answers:
        if asked["target"] == target and asked["ranking"]:
            fastest = asked["ranking"][0]
            configuration = {key: asked[key] for key in GROUP}
            configuration |= {key: fastest[key] for key in WITHIN_GROUP}
            first = {"value": asked["target_value"], "seconds": fastest["seconds"]}
            drawn = matching(named, configuration)["series"].unique()
            firsts += [first | {"series": name} for name in drawn]
    return firsts


def _log_start(bands: pl.DataFrame, diverged: Sequence[str], x: str, y: str) -> float:
    """Return where a logarithmic axis begins, which follows from what did not diverge, if any."""
    steady = bands.filter(pl.col("series").is_in(diverged).not_())
    for each in (steady, bands):
        if (each[x] > 0).any():
            return curves.log_start(each, x, y)
    return 1.0  # no run has made a step


def _columns(
    bands: pl.DataFrame, names: Sequence[str], x: str, y: str, has_band: bool
) -> list[dict[str, Any]]:
    """Return the thinned columns of each series' curve and, if it has one, band."""
    above_zero = bands.filter(pl.col(x) > 0)
    thinned = pl.concat(
        [
            curves.thin(bands, x, y, ["series"], columns=COLUMNS),
            curves.thin(above_zero, x, y, ["series"], is_log=True, columns=COLUMNS),
        ]
    ).unique()
    # More digits could not be seen.
    rounded = thinned.sort(x).with_columns(
        pl.col(x).round_sig_figs(6), pl.col(y, "low", "high").round_sig_figs(5)
    )
    columns = {"x": x, "y": y} | ({"low": "low", "high": "high"} if has_band else {})
    parts = rounded.partition_by("series", as_dict=True)
    return [
        {short: parts[(name,)][column].to_list() for short, column in columns.items()}
        for name in names
    ]
