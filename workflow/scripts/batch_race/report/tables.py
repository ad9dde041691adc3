"""The summary as a table."""

import io
from csv import writer
from typing import Any

import polars as pl

from batch_race import batch_sizes
from batch_race.analyze.targets import describe_target
from batch_race.hyperparameters import CONFIGURATION, written
from batch_race.report.groups import varying_parameters
from batch_race.report.numbers import bracket, interval, number


def markdown(summary: pl.DataFrame) -> str:
    """Return a summary as a table in Markdown; see `rows`."""
    heading, *body = rows(summary)
    lines = [heading, ["---"] * len(heading), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def csv(summary: pl.DataFrame) -> str:
    """Return a summary as a table in CSV; see `rows`."""
    text = io.StringIO()
    writer(text, lineterminator="\n").writerows(rows(summary))
    return text.getvalue()


def rows(summary: pl.DataFrame) -> list[list[str]]:
    """Return a summary as the heading of a table and a row for each configuration.

    Parameters
    ----------
    summary : polars.DataFrame
        As `statistics.summarize` makes it.

    Returns
    -------
    list of list of str
        The columns are the dataset, batch size, learning rate and varying parameters; counts of
        runs; the medians over seeds of the seconds to each target and of the values at the end,
        each with its interval; and the kind of interval. An interval of another kind, of fewer
        seeds than were trained for other targets, has its kind with it.
    """
    always = ("dataset", "batch_size", "learning_rate")
    varying = varying_parameters(summary, CONFIGURATION)
    shown = [key for key in CONFIGURATION if key in always or key in varying]
    written: list[list[str]] = []
    for configuration in summary.partition_by(CONFIGURATION, maintain_order=True):
        first = configuration.row(0, named=True)
        seconds = configuration.filter(pl.col("measure") == "seconds").to_dicts()
        costs = {f"seconds to {describe_target(row)}": row for row in seconds}
        ends = {row["measure"]: row for row in configuration.to_dicts() if not row["target"]}
        kind = ends["final_loss"]["interval"]
        if not written:
            goals = list(costs)
            counted = ("runs", "contended", "diverged")
            written.append([*shown, *counted, *goals, *_ENDS.values(), "interval"])
        written.append(
            [
                *(_parameter(first, key) for key in shown),
                *(str(ends["final_loss"][key]) for key in ("runs", "contended", "diverged")),
                *(_cost(costs[goal], kind) for goal in goals),
                *(_median(ends[measure], kind) for measure in _ENDS),
                kind or "–",
            ]
        )
    return written


_ENDS = {
    "final_loss": "final loss",
    "final_accuracy": "final accuracy (%)",
    "final_step": "steps",
    "final_epoch": "epochs",
    "steps_per_second": "steps per second",
    "examples_per_second": "examples per second",
}


def _parameter(row: dict[str, Any], key: str) -> str:
    if key == "batch_size":
        return batch_sizes.describe(row[key], row["training_images"])
    return written(row[key])


def _cost(row: dict[str, Any], kind: str | None) -> str:
    if row["initial"]:
        return f"no race ({row['initial']} of {row['runs']} began there)"
    if row["reached"] == row["runs"]:
        return _median(row, kind)
    if row["stopped"] == row["runs"]:
        return f"{_median(row, kind)} (stopped)"
    others = [f", {row[name]} {name}" for name in ("stopped", "unknown") if row[name]]
    return f"{_median(row, kind)} ({row['reached']} of {row['runs']} reached it{''.join(others)})"


def _median(row: dict[str, Any], kind: str | None) -> str:
    """Return a median with its interval, which is named if it is not of this kind."""
    if row["median"] is None:
        return "–" if row["more_than"] is None else f"> {number(row['more_than'])}"
    low = row["median"] if row["median_low"] is None else row["median_low"]
    text = bracket(low, row["median"])
    if row["interval"] is None:
        return text
    return text + interval(
        row["low"], row["high"], None if row["interval"] == kind else row["interval"]
    )
