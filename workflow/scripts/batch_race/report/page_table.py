"""The summary as the page's table, and as CSV."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from batch_race.analyze.comparison import Answer
from batch_race.analyze.targets import describe_target
from batch_race.hyperparameters import CONFIGURATION
from batch_race.report import tables


def table(summary: pl.DataFrame, answers: Sequence[Answer]) -> dict[str, Any]:
    """Return the table of a summary, with its winners.

    Parameters
    ----------
    summary : polars.DataFrame
        As `statistics.summarize` makes it.
    answers : sequence of dict
        As `comparison.compare` gives them.

    Returns
    -------
    dict
        `heading`, a list of str; `rows`, for each configuration a list of cells with their `text`
        and whether the cell `wins`: the configuration was the first to reach a target, and the cell
        has its parameters or the seconds to that target; and `shared`, the name and text of each
        column that is left out because all rows say the same.
    """
    heading, *body = tables.rows(summary)
    winners = _winners(summary, answers)
    kept, shared = [], []
    for column, name in enumerate(heading):
        texts = {row[column] for row in body}
        if len(body) > 1 and len(texts) == 1:
            shared.append((name, texts.pop()))
        else:
            kept.append(column)
    return {
        "heading": [heading[column] for column in kept],
        "rows": [
            [{"text": row[column], "wins": _wins(heading[column], targets)} for column in kept]
            for row, targets in zip(body, winners, strict=True)
        ],
        "shared": shared,
    }


def csv(summary: pl.DataFrame) -> str:
    """Return a summary as CSV: a row for each configuration, with unrounded numbers, not texts.

    Parameters
    ----------
    summary : polars.DataFrame
        As `statistics.summarize` makes it.

    Returns
    -------
    str
        The columns are those of `CONFIGURATION`; runs, contended and interval, the kind of the
        intervals; and for each measure its median, low and high, and with a target how many runs
        reached it and a lower bound of an unknown median (more_than).
    """
    lines = []
    for configuration in summary.partition_by(CONFIGURATION, maintain_order=True):
        first = configuration.row(0, named=True)
        line = {key: first[key] for key in (*CONFIGURATION, "runs", "contended", "interval")}
        for row in configuration.to_dicts():
            name, others = row["measure"], ["low", "high"]
            if row["target"]:
                name += f" to {describe_target(row)}"
                others += ["more_than", "reached"]
            line[name] = row["median"]
            line |= {f"{name}, {key}": row[key] for key in others}
        lines.append(line)
    return pl.DataFrame(lines, infer_schema_length=None).write_csv()


def _winners(summary: pl.DataFrame, answers: Sequence[Answer]) -> list[set[str]]:
    """Return the targets that each configuration of a summary was the first to reach."""
    firsts = [(asked | asked["ranking"][0], asked) for asked in answers if asked["ranking"]]
    return [
        {
            describe_target(asked)
            for first, asked in firsts
            if all(first[key] == configuration[key] for key in CONFIGURATION)
        }
        for configuration in summary.select(CONFIGURATION)
        .unique(maintain_order=True)
        .iter_rows(named=True)
    ]


def _wins(name: str, targets: set[str]) -> bool:
    """Return whether a column has a winner's parameters, or its seconds to a target."""
    is_parameter = name in CONFIGURATION
    return bool(targets) and (is_parameter or any(name.endswith(f" {each}") for each in targets))
