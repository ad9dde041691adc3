"""The fair comparison: each batch size at its own best learning rate, and whether it is slower.

One learning rate for all batch sizes favours those that it suits. So within a setting (a machine, a
dataset, a width …) each batch size is represented by the learning rate with which it came to the
target soonest. Whether one is slower than the winner is decided over all of their learning rates
at once, since choosing the luckiest of several is part of the comparison (see `contrasts`).
"""

from typing import Any, NamedTuple

import numpy as np
import polars as pl

from workflow.scripts.common.contrasts import LEVEL, contrasts
from workflow.scripts.common.measures import CONFIGURATION, SETTING, where

Answer = dict[str, Any]

RATIO_INTERVAL = f"{100 * LEVEL:g} % for all comparisons of the target at once"

_ASKED = [*SETTING, "target", "target_value"]

_OF_SETTING = [key for key in CONFIGURATION if key not in SETTING]


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
        of which no configuration reached the target with more than half of its runs has none; nor
        has any, if the initial weights of a run meet the target.
    """
    is_race = pl.col("initial").sum().over(_ASKED) == 0
    return (
        summary.filter(pl.col("measure") == cost)
        .filter(is_race, pl.col("median").is_not_null())
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
        Each with the setting and the target;

        - `initial`, the number of runs whose initial weights meet the target: unless it is 0, there
          is no race and no ranking;
        - `ranking`, the batch sizes that reached it, the first first;
        - the others: `missed`, `diverged` (before it, each of their runs), and `unknown` (a target
          of the budget ended some of their runs before they could answer);
        - `nearest`, the configuration that ended nearest to the target;
        - `elsewhere`, the machines that made runs of this comparison which this one did not, with
          their number.

        A ranking's entries have the best `learning_rate` and all `learning_rates` tried, and the
        median `seconds` with an interval (`seconds_low`, `seconds_high`) of the kind that
        `seconds_interval` names, and `seconds_after`: the target was reached after that. Each but
        the first has a `verdict`: slower, not distinguishable (also where it was reached after less
        than the winner's seconds, so that the steps looked at cannot tell the two apart), or
        unknown (fewer than two seeds can be compared); and `ratio`, how many times as long it
        took, as a geometric mean over `seeds`, with its interval (`ratio_low`, `ratio_high`), named
        by `ratio_interval`. If some of its runs did not arrive, the ratio is a lower bound, and
        `ratio_high` null.
    """
    best = best_of_each_batch_size(summary, "seconds")
    asked = summary.filter(pl.col("measure") == "seconds")
    runs = measures.filter(pl.col("measure") == "seconds")
    answers = []
    for question in asked.select(_ASKED).unique(maintain_order=True).to_dicts():
        of_question = where(asked, question)
        ranked = where(best, question)
        answers.append(
            question
            | {"initial": int(of_question["initial"].sum())}
            | {"ranking": _ranking(ranked, where(runs, question), of_question)}
            | _unranked(of_question, ranked)
            | {
                "nearest": _nearest(summary, question),
                "elsewhere": _elsewhere(measures, question),
            }
        )
    return answers


def _ranking(best: pl.DataFrame, runs: pl.DataFrame, asked: pl.DataFrame) -> list[dict[str, Any]]:
    ranking: list[dict[str, Any]] = []
    for row in best.to_dicts():
        entry = {
            "batch_size": row["batch_size"],
            "learning_rate": row["learning_rate"],
            "learning_rates": _rates(asked, row["batch_size"]),
            "seconds": row["median"],
            "seconds_after": row["median_low"],
            "seconds_low": row["low"],
            "seconds_high": row["high"],
            "seconds_interval": row["interval"],
            "runs": row["runs"],
            "reached": row["reached"],
            "diverged": row["diverged"],
            "contended": row["contended"],
        }
        if not ranking:
            ratios = _ratios(runs, row)
        else:
            entry |= _verdict(ratios.get(row["batch_size"]), row, ranking[0]["seconds"])
        ranking.append(entry)
    return ranking


class _Ratio(NamedTuple):
    """How many times as long a batch size took as the winner."""

    seeds: int
    value: float
    low: float
    high: float


def _ratios(runs: pl.DataFrame, winner: dict[str, Any]) -> dict[int, _Ratio]:
    """Compare the batch sizes with the winner of which all configurations can be compared."""
    times = _comparable(runs, winner["median"])
    sizes = times["batch_size"].unique(maintain_order=True).to_list()
    rates = times["batch_size"].rle().struct.field("len").to_list()
    tried = dict(runs.select(_OF_SETTING).unique()["batch_size"].value_counts().iter_rows())
    complete = [size for size, count in zip(sizes, rates, strict=True) if count == tried[size]]
    if winner["batch_size"] not in complete or len(sizes) == 1:
        return {}
    log_times = np.log(np.array(times["seconds"].to_list()))
    first = sizes.index(winner["batch_size"])
    ratios = np.exp([each[:, first] for each in contrasts(log_times, rates)])
    return {
        size: _Ratio(log_times.shape[1], *map(float, ratios[:, sizes.index(size)]))
        for size in complete
    }


def _verdict(ratio: _Ratio | None, row: dict[str, Any], first: float) -> dict[str, Any]:
    """Give the verdict on a batch size, of which the winner needed `first` seconds."""
    seeds = ratio.seeds if ratio else 0
    if not ratio or seeds == 1:
        low, high, verdict = None, None, "unknown"
    else:
        low = ratio.low
        high = ratio.high if row["reached"] == row["runs"] else None
        is_apart = row["median_low"] >= first
        verdict = "slower" if low > 1 and is_apart else "not distinguishable"
    return {
        "ratio": ratio.value if ratio else None,
        "ratio_low": low,
        "ratio_high": high,
        "ratio_interval": None if low is None else RATIO_INTERVAL,
        "seeds": seeds,
        "verdict": verdict,
    }


def _comparable(runs: pl.DataFrame, needed: float) -> pl.DataFrame:
    """Take the times of the configurations that can be compared, over the seeds that they share.

    Parameters
    ----------
    runs : polars.DataFrame
        The seconds to a target.
    needed : float
        The seconds of the winner: a run that missed the target in less says nothing.

    Returns
    -------
    polars.DataFrame
        A row for each configuration, in order, and its `seconds`, a list. Those of a run that
        missed or diverged are the horizon: the least that a run was given that missed, or the most
        that any was given where none missed. No time is longer than it.
    """
    outcome, spent = pl.col("outcome"), pl.col("spent")
    is_mute = (outcome == "unknown") | ((outcome == "missed") & (spent < needed))
    usable = runs.filter(~is_mute.any().over(_OF_SETTING))
    # One run says nothing of chance; where others have more, it must not cost them their seeds.
    usable = usable.with_columns(seeds=pl.len().over(_OF_SETTING))
    usable = usable.filter((pl.col("seeds") > 1) | (pl.col("seeds").max() == 1))
    n_configurations = usable.select(_OF_SETTING).n_unique()
    horizon = pl.coalesce(spent.filter(outcome == "missed").min(), spent.max())
    return (
        usable.with_columns(seconds=pl.min_horizontal("value", horizon))
        .filter(pl.len().over("seed") == n_configurations)
        .sort(*_OF_SETTING, "seed")
        .group_by(_OF_SETTING, maintain_order=True)
        .agg("seconds")
    )


def _rates(asked: pl.DataFrame, batch_size: int) -> list[float]:
    tried = asked.filter(pl.col("batch_size") == batch_size)["learning_rate"]
    return sorted(tried.unique().to_list())


def _unranked(asked: pl.DataFrame, best: pl.DataFrame) -> dict[str, list[int]]:
    """Say why the batch sizes that are not in the ranking are not."""
    found: dict[str, list[int]] = {"missed": [], "diverged": [], "unknown": []}
    if asked["initial"].sum() > 0:
        return found
    others = asked.join(best, on="batch_size", how="anti")
    counts = others.group_by("batch_size").agg(pl.col("runs", "diverged", "unknown").sum())
    for row in counts.sort("batch_size").to_dicts():
        if row["unknown"] > 0:
            reason = "unknown"
        elif row["diverged"] == row["runs"]:
            reason = "diverged"
        else:
            reason = "missed"
        found[reason].append(row["batch_size"])
    return found


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
