"""Measures of runs: the cost of each target, the values at the end, the throughput."""

from collections.abc import Mapping, Sequence

import polars as pl

from batch_race.hyperparameters import REGISTRY, RUN, with_role

COSTS = ("seconds", "steps", "examples")
"""The measures that have a target."""

ENDS = (
    "final_loss",
    "final_accuracy",
    "final_step",
    "final_epoch",
    "steps_per_second",
    "examples_per_second",
)
"""The measures that have no target."""

Targets = Mapping[str, Sequence[float]]

_SEED = with_role("repeated")[0]


def per_run(
    histories: pl.DataFrame,
    crossings: pl.DataFrame,
    targets: Targets,
    clock: str,
    decisions: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Compute the measures of each run.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.
    crossings : polars.DataFrame
        Collected crossings: where each run reached each target it was asked for.
    targets : mapping of str to sequence of float
        Training losses in nats (`loss`) and test accuracies in percent (`accuracy`).
    clock : {"training", "wall"}
        The clock of the seconds to a target.
    decisions : polars.DataFrame, optional
        Those of a race, as `decisions.tabulate` makes them. A run has costs of the targets that it
        was trained for, and values at the end if it had its whole budget.

    Returns
    -------
    polars.DataFrame
        A row for each run and measure, with the columns of `CONFIGURATION`, seed, contended,
        diverged, measure, target and target_value (null without a target), outcome, value,
        value_low, and spent. The value of a loss that is not finite is null. Throughput is that of
        the steps alone, whatever the clock.

        The outcome is null without a target, and otherwise

        - `reached`: the cost is above value_low and at most value, or both if they are equal;
        - `initial`: the initial weights meet the target, and value is 0;
        - `missed`: the cost is above `spent`, that of the whole run, or of the part of it that was
          checked: it is censored;
        - `stopped`: the same, but the run did not get its whole budget, because it was pruned;
        - `unknown`: a target of the budget ended the run first, or the run (of another machine) was
          not asked for this target;
        - `diverged`: the cost is infinite, and `spent` is null, since it means nothing.
    """
    run = list(RUN)
    made = None if decisions is None else about_runs(decisions)
    # By time, since a step may have two evaluations.
    rows = histories.sort(*run, "wall_seconds").with_columns(
        seconds=pl.col(f"{clock}_seconds"),
        steps=pl.col("step").cast(pl.Float64),
        examples=pl.col("examples").cast(pl.Float64),
        diverged=pl.col("stopped") == "diverged",
    )
    ends = rows.group_by(run, maintain_order=True).last()
    columns = {"seconds": f"{clock}_seconds", "steps": "step", "examples": "examples"}
    there = crossings.select(
        *run,
        *("target", "target_value"),
        *(pl.col(columns[cost]).cast(pl.Float64).alias(f"{cost}_there") for cost in COSTS),
        *(pl.col(f"{columns[cost]}_low").cast(pl.Float64).alias(f"{cost}_low") for cost in COSTS),
    )
    tables = [
        _costs(_trained_for(ends, made, metric, float(value)), there, run, metric, float(value))
        for metric in ("loss", "accuracy")
        for value in targets.get(metric, ())
    ]
    return pl.concat([*tables, _ends(_trained_for(ends, made), run)])


def about_runs(decisions: pl.DataFrame) -> pl.DataFrame:
    """Return the decisions about runs: one for each run and target that it was trained for."""
    return decisions.filter(pl.col(_SEED).is_not_null())


def _trained_for(
    ends: pl.DataFrame,
    decisions: pl.DataFrame | None,
    metric: str | None = None,
    target: float | None = None,
) -> pl.DataFrame:
    """Return the runs that were trained for a target, with `stopped_early` and `is_whole`."""
    if decisions is None:
        return ends.with_columns(stopped_early=False, is_whole=True)
    if metric is not None:
        decisions = matching(decisions, {"target": metric, "target_value": target})
    runs = decisions.unique([*REGISTRY], maintain_order=True).select(
        *REGISTRY, "is_whole", stopped_early=pl.col("rule") == "slower"
    )
    return ends.join(runs, on=[*REGISTRY], how="inner", maintain_order="left")


def matching(table: pl.DataFrame, values: Mapping[str, object]) -> pl.DataFrame:
    """Return the rows of a table that have these values.

    Parameters
    ----------
    table : polars.DataFrame
    values : mapping of str to object
        By column.
    """
    return table.filter([pl.col(key) == pl.lit(value) for key, value in values.items()])


def _costs(
    ends: pl.DataFrame, there: pl.DataFrame, run: list[str], metric: str, target: float
) -> pl.DataFrame:
    asked = matching(there, {"target": metric, "target_value": target})
    together = ends.join(asked, on=run, how="left", maintain_order="left")
    outcome = (
        pl.when(pl.col("target").is_null())
        .then(pl.lit("unknown"))
        .when(pl.col("steps_there") == 0)
        .then(pl.lit("initial"))
        .when(pl.col("steps_there").is_not_null())
        .then(pl.lit("reached"))
        .when("diverged")
        .then(pl.lit("diverged"))
        .when(pl.col("stopped") == "target")
        .then(pl.lit("unknown"))
        .when("stopped_early")
        .then(pl.lit("stopped"))
        .otherwise(pl.lit("missed"))
    )
    return pl.concat(
        together.select(
            *_run_columns(run),
            pl.lit(cost).alias("measure"),
            pl.lit(metric).alias("target"),
            pl.lit(target).alias("target_value"),
            outcome.alias("outcome"),
            pl.col(f"{cost}_there").alias("value"),
            pl.when(pl.col(f"{cost}_there").is_not_null()).then(f"{cost}_low").alias("value_low"),
            pl.when(outcome != "diverged").then(_spent(cost)).alias("spent"),
        )
        for cost in COSTS
    )


def _spent(cost: str) -> pl.Expr:
    """Return the cost of a run, or of the part of it that is known to have missed a target."""
    is_missed = pl.col(f"{cost}_there").is_null()
    return pl.coalesce(pl.when(is_missed).then(f"{cost}_low"), cost)


def _ends(ends: pl.DataFrame, run: list[str]) -> pl.DataFrame:
    has_trained = pl.col("training_seconds") > 0
    values = {
        "final_loss": pl.when(pl.col("training_loss").is_finite()).then("training_loss"),
        "final_accuracy": pl.col("test_accuracy"),
        "final_step": pl.col("steps"),
        "final_epoch": pl.col("epoch").cast(pl.Float64),
        "steps_per_second": pl.when(has_trained).then(pl.col("steps") / pl.col("training_seconds")),
        "examples_per_second": pl.when(has_trained).then(
            pl.col("examples") / pl.col("training_seconds")
        ),
    }
    return pl.concat(
        ends.select(
            *_run_columns(run),
            pl.lit(measure).alias("measure"),
            pl.lit(None, pl.String).alias("target"),
            pl.lit(None, pl.Float64).alias("target_value"),
            pl.lit(None, pl.String).alias("outcome"),
            pl.when(pl.col("is_whole") | measure.endswith("per_second"))
            .then(values[measure])
            .alias("value"),
            pl.lit(None, pl.Float64).alias("value_low"),
            pl.lit(None, pl.Float64).alias("spent"),
        )
        for measure in ENDS
    )


def _run_columns(run: list[str]) -> list[str]:
    return [*run, "contended", "diverged"]
