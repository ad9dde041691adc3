"""The comparison of batch sizes: each at its best learning rate, and whether it is slower.

One learning rate for all batch sizes would favour some of them. So within a comparison group (a
machine, a dataset, a number of hidden units …) each batch size is represented by the learning rate
with which it reached the target first. Whether it is slower than the winner is decided over all of
its learning rates at once, to account for the choice of the best of several (see `contrasts`).
"""

from typing import Any

import numpy as np
import polars as pl

from batch_race.analyze import looks
from batch_race.analyze.contrasts import ragged_contrasts
from batch_race.analyze.measures import matching
from batch_race.hyperparameters import GROUP, MEASURED_WITH, RUN, WITHIN_GROUP, with_role

Answer = dict[str, Any]

_ASKED = [*GROUP, "target", "target_value"]

_TUNED = with_role("tuned")


def best_of_each_batch_size(summary: pl.DataFrame, cost: str) -> pl.DataFrame:
    """Return each batch size at its best learning rate, for each comparison group and target.

    Parameters
    ----------
    summary : polars.DataFrame
        As `statistics.summarize` makes it.
    cost : {"seconds", "steps", "examples"}
        The measure to minimize.

    Returns
    -------
    polars.DataFrame
        Those rows of the summary, by ascending median within each comparison group and target. A
        batch size has no row if no configuration reached the target with more than half of its
        runs, or if the initial weights of any run of the group meet the target.
    """
    is_race = pl.col("initial").sum().over(_ASKED) == 0
    return (
        summary.filter(pl.col("measure") == cost)
        .filter(is_race, pl.col("median").is_not_null())
        .sort(*_ASKED, "median", "batch_size", "learning_rate")
        .unique([*_ASKED, "batch_size"], keep="first", maintain_order=True)
    )


def compare(
    measures: pl.DataFrame, summary: pl.DataFrame, most_seeds: int | None = None
) -> list[Answer]:
    """Return, for each comparison group and target, which batch size reached it first.

    Parameters
    ----------
    measures : polars.DataFrame
        As `measures.per_run` makes it.
    summary : polars.DataFrame
        As `statistics.summarize` makes it of those.
    most_seeds : int, optional
        With pruning: how many seeds would have been trained if no verdict had been settled.

    Returns
    -------
    list of dict
        Each with the parameters of the comparison group and the target;

        - `initial`, the number of runs whose initial weights meet the target: unless it is 0, there
          is no race and no ranking;
        - `ranking`, the batch sizes that reached it, fastest first;
        - the other batch sizes: `diverged` (all runs, before the target), `unknown` (a target of
          the budget ended some runs first, or they were not asked for this target), `stopped` (by
          pruning, with the seconds below which none of its medians lies, `more_than`, and how many
          of the `runs` behind that were `pruned`), `partly` (reached in half of the runs or less:
          `reached` of `runs`, of the configuration that reached it most often), or `missed`;
        - `nearest`, the configuration that ended nearest to the target;
        - `elsewhere`, how many runs of this comparison only other machines made, by machine;
        - `otherwise`, how many only other versions of the software made on this machine, by
          software.

        An entry of the ranking has the best `learning_rate` and value of each other tuned
        hyperparameter, all `learning_rates` tried, and the
        median `seconds` with a lower bound from the evaluations (`seconds_after`) and an interval
        over seeds (`seconds_low`, `seconds_high`, and its kind, `seconds_interval`). Each but the
        first has a `verdict`: slower; not distinguishable (also if `seconds_after` is below the
        winner's seconds); or unknown (its learning rates cannot all be
        compared, the winner has one seed, or only rates without all of its seeds are not shown
        to be slower). Its `ratio` is how
        many times as long it took as the winner, a geometric mean over `seeds`, with an interval
        (`ratio_low`, `ratio_high`, and its kind, `ratio_interval`). `ratio_low` is the lowest of
        all its learning rates. Both are widened by what the evaluations leave open of the times. If
        some of its runs did not reach the target, the ratio is a lower bound and `ratio_high` null;
        so it is if the winner's may have been there at once.
    """
    best = best_of_each_batch_size(summary, "seconds")
    asked = summary.filter(pl.col("measure") == "seconds")
    runs = measures.filter(pl.col("measure") == "seconds")
    answers = []
    for question in asked.select(_ASKED).unique(maintain_order=True).to_dicts():
        of_question = matching(asked, question)
        ranked = matching(best, question)
        answers.append(
            question
            | {"initial": int(of_question["initial"].sum())}
            | {"ranking": _ranking(ranked, matching(runs, question), of_question, most_seeds)}
            | _unranked(of_question, ranked)
            | {
                "nearest": _nearest(summary, question),
                "elsewhere": _made_only_with_other(measures, question, "machine"),
                "otherwise": _made_only_with_other(measures, question, "software"),
            }
        )
    return answers


def _ranking(
    best: pl.DataFrame, runs: pl.DataFrame, asked: pl.DataFrame, most_seeds: int | None
) -> list[dict[str, Any]]:
    ranking: list[dict[str, Any]] = []
    for row in best.to_dicts():
        entry = {
            "batch_size": row["batch_size"],
            **{key: row[key] for key in _TUNED},
            "learning_rates": _learning_rates(asked, row["batch_size"]),
            "seconds": row["median"],
            "seconds_after": row["median_low"],
            "seconds_low": row["low"],
            "seconds_high": row["high"],
            "seconds_interval": row["interval"],
            "runs": row["runs"],
            "reached": row["reached"],
            "stopped": row["stopped"],
            "diverged": row["diverged"],
            "contended": row["contended"],
        }
        of_this = pl.col("batch_size") == row["batch_size"]
        if not ranking:
            level = looks.level(row["runs"], most_seeds)
            comparable = _comparable(runs, is_pruned=most_seeds is not None)
            against_winner = _against(row, comparable, level)
        else:
            compared = against_winner.filter(of_this)
            n_rates = runs.filter(of_this).select(WITHIN_GROUP).n_unique()
            entry |= _verdict(
                row, compared, n_rates, ranking[0]["seconds"], level, ranking[0]["runs"]
            )
        ranking.append(entry)
    return ranking


def _against(winner: dict[str, Any], usable: pl.DataFrame, level: float) -> pl.DataFrame:
    """Compare configurations with the winner, over the seeds that they share.

    Parameters
    ----------
    winner : dict
        A row of the summary.
    usable : polars.DataFrame
        As `_comparable` gives it.
    level : float

    Returns
    -------
    polars.DataFrame
        A row for each, with `difference` and `margin`, as `ragged_contrasts` gives them; `low` and
        `high`, that interval widened by what is left open of the times; and `seeds`, a count. Empty
        if the winner is not comparable.
    """
    seeds = usable["seed"].unique().sort().to_list()
    configurations = usable.partition_by(WITHIN_GROUP, maintain_order=True)
    log_times, log_given, log_open = np.full((3, len(configurations), len(seeds)), np.nan)
    for index, rows in enumerate(configurations):
        places = [seeds.index(seed) for seed in rows["seed"]]
        log_times[index, places] = np.log(rows["value"])
        log_given[index, places] = np.log(rows["given"])
        log_open[index, places] = rows["log_open"]
    found = usable.unique(WITHIN_GROUP, keep="first", maintain_order=True).select(WITHIN_GROUP)
    is_winner = [all(row[key] == winner[key] for key in WITHIN_GROUP) for row in found.to_dicts()]
    if not any(is_winner) or found["batch_size"].n_unique() < 2:
        empty = dict.fromkeys(("difference", "margin", "low", "high"), pl.Float64)
        return found.clear().with_columns(
            *(
                pl.lit(None, kind).alias(name)
                for name, kind in (empty | {"seeds": pl.Int64}).items()
            )
        )
    place = is_winner.index(True)
    difference, margin = ragged_contrasts(
        place, log_times, log_given, found["batch_size"].to_list(), level
    )
    common = np.isfinite(log_given) & np.isfinite(log_given[place])
    left_open = np.where(common, log_open, 0).sum(axis=1) / np.maximum(common.sum(axis=1), 1)
    return found.with_columns(
        pl.Series("difference", difference),
        pl.Series("margin", margin),
        pl.Series("low", difference - margin - left_open),
        pl.Series("high", difference + margin + left_open[place]),
        pl.Series("seeds", common.sum(axis=1), pl.Int64),
    ).filter(pl.col("seeds") > 0)


def _verdict(
    row: dict[str, Any],
    compared: pl.DataFrame,
    n_rates: int,
    needed: float,
    level: float,
    n_seeds: int,
) -> dict[str, Any]:
    """Return whether a batch size is slower than the winner: all of its configurations must be.

    It is not if its lower bound is below `needed`, the winner's seconds. It is unknown if only
    configurations that lack some of the winner's `n_seeds` seeds are not shown to be slower.
    """
    found: dict[str, Any] = dict.fromkeys(("ratio", "ratio_low", "ratio_high", "ratio_interval"))
    if len(compared) < n_rates:
        return found | {"seeds": 0, "verdict": "unknown"}
    own = matching(compared, {key: row[key] for key in WITHIN_GROUP}).row(0, named=True)
    found |= {"ratio": float(np.exp(own["difference"])), "seeds": own["seeds"]}
    if not compared["margin"].is_finite().all():
        return found | {"verdict": "unknown"}
    low = float(np.exp(compared["low"].to_numpy().min()))
    if row["reached"] == row["runs"] and np.isfinite(own["high"]):
        found["ratio_high"] = float(np.exp(own["high"]))
    is_apart = row["median_low"] >= needed
    if low > 1 and is_apart:
        verdict = "slower"
    elif is_apart and compared.filter(pl.col("low") <= 0, pl.col("seeds") == n_seeds).is_empty():
        verdict = "unknown"
    else:
        verdict = "not distinguishable"
    kind = f"{100 * level:g} % for all comparisons of the target at once"
    return found | {"ratio_low": low, "ratio_interval": kind, "verdict": verdict}


def _comparable(runs: pl.DataFrame, *, is_pruned: bool) -> pl.DataFrame:
    """Return the runs of the configurations that can be compared.

    Parameters
    ----------
    runs : polars.DataFrame
        The seconds to a target.
    is_pruned : bool
        Whether configurations of one seed can be compared where others have more.

    Returns
    -------
    polars.DataFrame
        Those runs, sorted by configuration and seed, with `value`, the seconds, infinite if the run
        did not reach the target; `log_open`, the logarithm of that over its lower bound; and
        `given`, the seconds of the whole run; of a run that diverged, those of the longest run.
        None if all diverged.
    """
    # The time of a run without a step is 0, which has no logarithm.
    is_unusable = (pl.col("outcome") == "unknown") | (pl.col("spent").fill_null(1) <= 0)
    usable = runs.filter(~is_unusable.any().over(WITHIN_GROUP))
    if not is_pruned:
        n_seeds = pl.len().over(WITHIN_GROUP)
        usable = usable.filter((n_seeds > 1) | (n_seeds.max() == 1))
    given = pl.col("spent").fill_null(pl.col("spent").max())
    log_open = (pl.col("value") / pl.col("value_low")).log().fill_null(0)
    usable = usable.with_columns(pl.col("value").fill_null(np.inf), given=given, log_open=log_open)
    return usable.drop_nulls("given").sort(*WITHIN_GROUP, "seed")


def _learning_rates(asked: pl.DataFrame, batch_size: int) -> list[float]:
    tried = asked.filter(pl.col("batch_size") == batch_size)["learning_rate"]
    return sorted(tried.unique().to_list())


def _unranked(asked: pl.DataFrame, best: pl.DataFrame) -> dict[str, list[Any]]:
    """Return the batch sizes outside the ranking by reason; some with a number."""
    reasons = ("partly", "missed", "stopped", "diverged", "unknown")
    found: dict[str, list[Any]] = {reason: [] for reason in reasons}
    if asked["initial"].sum() > 0:
        return found
    others = asked.join(best, on="batch_size", how="anti")
    share = pl.col("reached") / pl.col("runs")
    best_share = pl.struct("reached", "runs").sort_by(share, descending=True).first()
    counts = others.group_by("batch_size").agg(
        pl.col("runs", "diverged", "unknown", "stopped").sum(),
        pl.struct("more_than", "runs", pruned="stopped")
        .sort_by("more_than", nulls_last=True)
        .first()
        .alias("bound"),
        best_share.alias("partly"),
    )
    for row in counts.sort("batch_size").to_dicts():
        if row["unknown"] > 0:
            reason = "unknown"
        elif row["diverged"] == row["runs"]:
            reason = "diverged"
        elif row["bound"]["more_than"] is not None:
            found["stopped"].append({"batch_size": row["batch_size"], **row["bound"]})
            continue
        elif row["partly"]["reached"] > 0:
            found["partly"].append({"batch_size": row["batch_size"], **row["partly"]})
            continue
        else:
            reason = "missed"
        found[reason].append(row["batch_size"])
    return found


def _nearest(summary: pl.DataFrame, question: dict[str, Any]) -> dict[str, Any] | None:
    """Return the configuration that ended nearest to the target; None if all diverged."""
    is_loss = question["target"] == "loss"
    group = {key: question[key] for key in GROUP}
    ends = matching(summary, group).filter(
        pl.col("measure") == ("final_loss" if is_loss else "final_accuracy"),
        pl.col("median").is_not_null(),
    )
    if ends.is_empty():
        return None
    nearest = ends.sort("median", descending=not is_loss, maintain_order=True).row(0, named=True)
    return {
        "batch_size": nearest["batch_size"],
        **{key: nearest[key] for key in _TUNED},
        "value": nearest["median"],
    }


def _made_only_with_other(
    measures: pl.DataFrame, question: dict[str, Any], key: str
) -> dict[str, int]:
    """Count the runs that were only made on other machines, or with other software on this one.

    A batch system may distribute a sweep over several types of machine, and software may be updated
    between two runs.
    """
    shared = [each for each in _ASKED if each not in MEASURED_WITH]
    if key == "software":
        shared.append("machine")
    runs = matching(measures, {"measure": "seconds"} | {each: question[each] for each in shared})
    here = matching(runs, {each: question[each] for each in MEASURED_WITH})
    run = [each for each in RUN if each not in GROUP]
    missing = runs.filter(pl.col(key) != question[key]).join(here, on=run, how="anti")
    return dict(missing.group_by(key).len().sort(key).iter_rows())
