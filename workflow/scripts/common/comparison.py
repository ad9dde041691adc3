"""The fair comparison: each batch size at its own best learning rate, and whether it is slower.

One learning rate for all batch sizes favours those that it suits. So within a setting (a machine, a
dataset, a width …) each batch size is stood for by the learning rate with which it came to the
target soonest.
"""

from typing import Any

import polars as pl

from workflow.scripts.common.measures import CONFIGURATION, SETTING, where
from workflow.scripts.common.statistics import paired_ratio

Answer = dict[str, Any]

_ASKED = [*SETTING, "target", "target_value"]


def best_of_each_batch_size(summary: pl.DataFrame, cost: str) -> pl.DataFrame:
    """Choose the best learning rate of each batch size, for each setting and target.

    Parameters
    ----------
    summary : polars.DataFrame
        As `statistics.summarize` makes it.
    cost : {"seconds", "steps"}
        What is to be low.

    Returns
    -------
    polars.DataFrame
        Those rows of the summary, the lowest median of each setting and target first. A batch size
        of which no configuration reached the target with more than half of its runs has none.
    """
    return (
        summary.filter(pl.col("measure") == cost, pl.col("median").is_not_null())
        .sort(*_ASKED, "median", "batch_size", "learning_rate")
        .unique([*_ASKED, "batch_size"], keep="first", maintain_order=True)
    )


def compare(measures: pl.DataFrame, summary: pl.DataFrame) -> list[Answer]:
    """Answer for each setting and target which batch size got there first.

    Parameters
    ----------
    measures : polars.DataFrame
        As `measures.per_run` makes it.
    summary : polars.DataFrame
        As `statistics.summarize` makes it of those.

    Returns
    -------
    list of dict
        Each with the setting and the target; `ranking`, the batch sizes that reached it, the first
        first; `missed`, those that did not; and `nearest`, the configuration that ended nearest to
        the target. A ranking's entries have the best `learning_rate` and all `learning_rates`
        tried; each but the first has `ratio`, how many times as long it took (with `ratio_low` and
        `ratio_high`, paired over `pairs` seeds), and a `verdict`: slower, not distinguishable, or
        unknown (fewer than two seeds in common). `elsewhere` names the machines that made runs of
        this comparison which this one did not, with their number.
    """
    best = best_of_each_batch_size(summary, "seconds")
    asked = summary.filter(pl.col("measure") == "seconds")
    times = measures.filter(pl.col("measure") == "seconds").join(
        best, on=[*CONFIGURATION, "target", "target_value"], how="semi", nulls_equal=True
    )
    answers = []
    for question in asked.select(_ASKED).unique(maintain_order=True).to_dicts():
        answers.append(
            question
            | {
                "ranking": _ranking(
                    where(best, question), where(times, question), where(asked, question)
                ),
                "missed": _missed(where(asked, question), where(best, question)),
                "nearest": _nearest(summary, question),
                "elsewhere": _elsewhere(measures, question),
            }
        )
    return answers


def _ranking(best: pl.DataFrame, times: pl.DataFrame, asked: pl.DataFrame) -> list[dict[str, Any]]:
    ranking: list[dict[str, Any]] = []
    for row in best.to_dicts():
        entry = {
            "batch_size": row["batch_size"],
            "learning_rate": row["learning_rate"],
            "learning_rates": _rates(asked, row["batch_size"]),
            "seconds": row["median"],
            "seconds_low": row["low"],
            "seconds_high": row["high"],
            "runs": row["runs"],
            "reached": row["reached"],
            "contended": row["contended"],
        }
        of_this = times.filter(pl.col("batch_size") == row["batch_size"])
        if not ranking:
            of_the_first = of_this
            ranking.append(entry)
        else:
            ranking.append(entry | _against(of_the_first, of_this))
    return ranking


def _against(first: pl.DataFrame, other: pl.DataFrame) -> dict[str, Any]:
    """Compare with the first, seed by seed."""
    pairs = first.join(other, on="seed", suffix="_other").filter(
        pl.col("value").is_not_null() | pl.col("value_other").is_not_null()
    )
    first_missed = pairs["value"].null_count() > 0
    # A run that missed would have taken longer than it was given: the ratio is at least that.
    pairs = pairs.filter(pl.col("value") > 0, pl.col("value_other").fill_null(1) > 0)
    ratio, low, high = None, None, None
    if len(pairs) > 0:
        others = pairs["value_other"].fill_null(pairs["spent_other"])
        ratio, low, high = paired_ratio(pairs["value"].to_list(), others.to_list())
    if low is None:
        verdict = "unknown"
    elif low > 1 and not first_missed:
        verdict = "slower"
    else:
        verdict = "not distinguishable"
    return {
        "ratio": ratio,
        "ratio_low": low,
        "ratio_high": high,
        "pairs": len(pairs),
        "verdict": verdict,
    }


def _rates(asked: pl.DataFrame, batch_size: int) -> list[float]:
    tried = asked.filter(pl.col("batch_size") == batch_size)["learning_rate"]
    return sorted(tried.unique().to_list())


def _missed(asked: pl.DataFrame, best: pl.DataFrame) -> list[int]:
    return sorted(set(asked["batch_size"]) - set(best["batch_size"]))


def _nearest(summary: pl.DataFrame, question: dict[str, Any]) -> dict[str, Any] | None:
    is_loss = question["target"] == "loss"
    setting = {key: question[key] for key in SETTING}
    ends = where(summary, setting).filter(
        pl.col("measure") == ("final_loss" if is_loss else "final_accuracy"),
        pl.col("median").is_not_null(),
    )
    if ends.is_empty():
        return None  # all diverged
    nearest = ends.sort("median", descending=not is_loss, maintain_order=True).row(0, named=True)
    return {
        "batch_size": nearest["batch_size"],
        "learning_rate": nearest["learning_rate"],
        "value": nearest["median"],
    }


def _elsewhere(measures: pl.DataFrame, question: dict[str, Any]) -> dict[str, int]:
    """Count the runs that only other machines made: a batch system may scatter a sweep."""
    shared = {key: question[key] for key in _ASKED if key != "machine"}
    runs = where(measures, shared | {"measure": "seconds"})
    run = ["batch_size", "learning_rate", "leftover", "seed"]
    here = where(runs, {"machine": question["machine"]})
    missing = runs.join(here, on=run, how="anti")
    counts = missing.group_by("machine").len().sort("machine")
    return dict(counts.iter_rows())
