"""The fair comparison: each batch size at its own best learning rate, and whether it is slower.

One learning rate for all batch sizes favours those that it suits. So within a setting (a machine, a
dataset, a width …) each batch size is represented by the learning rate with which it came to the
target soonest. Whether one is slower than the winner is decided over all of their learning rates
at once, since choosing the luckiest of several is part of the comparison (see `contrasts`).
"""

from typing import Any

import numpy as np
import polars as pl

from batch_race.analyze.contrasts import LEVEL, contrasts
from batch_race.analyze.measures import CONFIGURATION, SETTING, where

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
          of the budget ended some of their runs before they could answer, or they were not asked);
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
        by `ratio_interval`. `ratio_low` is above 1 only if that of each learning rate is. If some
        of its runs did not arrive, the ratio is a lower bound, and `ratio_high` null.
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
        of_this = pl.col("batch_size") == row["batch_size"]
        if not ranking:
            against_winner = _against(row, runs)
        else:
            compared = against_winner.filter(of_this)
            entry |= _verdict(row, compared, runs.filter(of_this), ranking[0]["seconds"])
        ranking.append(entry)
    return ranking


def _against(winner: dict[str, Any], runs: pl.DataFrame) -> pl.DataFrame:
    """Compare configurations with the winner, those that can be, over the seeds that they share.

    Returns
    -------
    polars.DataFrame
        A row for each, with `difference` and `margin`, as `contrasts` gives them, and `seeds`;
        empty if the winner cannot be compared.
    """
    times = _comparable(runs)
    is_winner = times.select(
        pl.all_horizontal(pl.col(key) == winner[key] for key in _OF_SETTING)
    ).to_series()
    rates = times["batch_size"].rle().struct.field("len").to_list()
    difference = margin = np.zeros(0)
    if is_winner.any() and len(rates) > 1:
        log_times, log_given = (np.log(times[key].to_list()) for key in ("value", "given"))
        difference, margin = contrasts(is_winner.to_list().index(True), log_times, log_given, rates)
    else:
        times = times.clear()
    return times.select(
        *_OF_SETTING,
        pl.Series("difference", difference, pl.Float64),
        pl.Series("margin", margin, pl.Float64),
        pl.col("value").list.len().alias("seeds"),
    )


def _verdict(
    row: dict[str, Any], compared: pl.DataFrame, runs: pl.DataFrame, needed: float
) -> dict[str, Any]:
    """Say whether a batch size is slower than the winner, which all of its configurations tell.

    Where the brackets of the two overlap, as the winner needed `needed` seconds, it is not.
    """
    found: dict[str, Any] = dict.fromkeys(("ratio", "ratio_low", "ratio_high", "ratio_interval"))
    if len(compared) < runs.select(_OF_SETTING).n_unique():
        return found | {"seeds": 0, "verdict": "unknown"}
    own = where(compared, {key: row[key] for key in _OF_SETTING}).row(0, named=True)
    found |= {"ratio": float(np.exp(own["difference"])), "seeds": own["seeds"]}
    if own["seeds"] == 1:
        return found | {"verdict": "unknown"}
    low = float(np.exp((compared["difference"] - compared["margin"]).to_numpy().min()))
    if row["reached"] == row["runs"]:
        found["ratio_high"] = float(np.exp(own["difference"] + own["margin"]))
    is_apart = low > 1 and row["median_low"] >= needed
    verdict = "slower" if is_apart else "not distinguishable"
    return found | {"ratio_low": low, "ratio_interval": RATIO_INTERVAL, "verdict": verdict}


def _comparable(runs: pl.DataFrame) -> pl.DataFrame:
    """Take the configurations that can be compared, and the seeds that all of them have.

    Parameters
    ----------
    runs : polars.DataFrame
        The seconds to a target.

    Returns
    -------
    polars.DataFrame
        A row for each configuration, in order, with two lists, in the order of the seeds: `value`,
        the seconds, infinite if the run did not arrive, and `given`, those that it was given; a run
        that diverged would have had as many as any.
    """
    # A run that took no step was given no time, of which there is no logarithm.
    is_mute = (pl.col("outcome") == "unknown") | (pl.col("spent").fill_null(1) <= 0)
    usable = runs.filter(~is_mute.any().over(_OF_SETTING))
    # One run says nothing of chance; where others have more, it must not cost them their seeds.
    usable = usable.with_columns(n_seeds=pl.len().over(_OF_SETTING))
    usable = usable.filter((pl.col("n_seeds") > 1) | (pl.col("n_seeds").max() == 1))
    n_configurations = usable.select(_OF_SETTING).n_unique()
    return (
        usable.with_columns(
            pl.col("value").fill_null(np.inf),
            given=pl.col("spent").fill_null(pl.col("spent").max()),
        )
        .filter(pl.len().over("seed") == n_configurations)
        .sort(*_OF_SETTING, "seed")
        .group_by(_OF_SETTING, maintain_order=True)
        .agg("value", "given")
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
