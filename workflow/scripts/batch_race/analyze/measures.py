"""What is measured of a run: what a target cost it, where it ended, how fast it went."""

from collections.abc import Mapping, Sequence

import polars as pl

from batch_race.hyperparameters import CONFIGURATION as CONFIGURATION
from batch_race.hyperparameters import GROUP

SETTING = GROUP

COSTS = ("seconds", "steps", "examples")
"""The measures that belong to a target; the others have none."""

ENDS = (
    "final_loss",
    "final_accuracy",
    "final_step",
    "final_epoch",
    "steps_per_second",
    "examples_per_second",
)

Targets = Mapping[str, Sequence[float]]


def per_run(
    histories: pl.DataFrame, crossings: pl.DataFrame, targets: Targets, clock: str
) -> pl.DataFrame:
    """Measure each run.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.
    crossings : polars.DataFrame
        Collected crossings: where each run reached each target that it was asked for.
    targets : mapping of str to sequence of float
        Training losses in nats (`loss`) and test accuracies in percent (`accuracy`).
    clock : {"training", "wall"}
        Whose seconds to a target are meant.

    Returns
    -------
    polars.DataFrame
        A row for each run and measure, with the columns of `CONFIGURATION`, seed, contended,
        diverged, measure, target and target_value (null where there is none), outcome, value,
        value_low, and spent. The value of a loss that is not finite is null. The rates are those of
        the steps alone, whatever the clock.

        The outcome is null where there is no target, and otherwise

        - `reached`: value is what it cost, and the target was reached later than at value_low, or
          where that is the same, at it;
        - `initial`: the initial weights meet the target, and value is 0;
        - `missed`: it would have cost more than `spent`, what the whole run cost;
        - `unknown`: a target of the budget ended the run before it could answer, or the run (of
          another machine) was not asked for this target;
        - `diverged`: it would take forever. What such a run spent says nothing, and is null.
    """
    run = [*CONFIGURATION, "seed"]
    # A step may have two evaluations, so rows are in the order of time.
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
        _costs(ends, there, run, metric, float(value))
        for metric in ("loss", "accuracy")
        for value in targets.get(metric, ())
    ]
    return pl.concat([*tables, _ends(ends, run)])


def where(table: pl.DataFrame, values: Mapping[str, object]) -> pl.DataFrame:
    """Take the rows that have these values."""
    return table.filter([pl.col(key) == pl.lit(value) for key, value in values.items()])


def _costs(
    ends: pl.DataFrame, there: pl.DataFrame, run: list[str], metric: str, target: float
) -> pl.DataFrame:
    asked = where(there, {"target": metric, "target_value": target})
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
        .otherwise(pl.lit("missed"))
    )
    return pl.concat(
        together.select(
            *_of_run(run),
            pl.lit(cost).alias("measure"),
            pl.lit(metric).alias("target"),
            pl.lit(target).alias("target_value"),
            outcome.alias("outcome"),
            pl.col(f"{cost}_there").alias("value"),
            pl.col(f"{cost}_low").alias("value_low"),
            pl.when(outcome != "diverged").then(cost).alias("spent"),
        )
        for cost in COSTS
    )


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
            *_of_run(run),
            pl.lit(measure).alias("measure"),
            pl.lit(None, pl.String).alias("target"),
            pl.lit(None, pl.Float64).alias("target_value"),
            pl.lit(None, pl.String).alias("outcome"),
            values[measure].alias("value"),
            pl.lit(None, pl.Float64).alias("value_low"),
            pl.lit(None, pl.Float64).alias("spent"),
        )
        for measure in ENDS
    )


def _of_run(run: list[str]) -> list[str]:
    return [*run, "contended", "diverged"]
