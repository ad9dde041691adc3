"""Measures of runs, from their histories and crossings."""

import math

import polars as pl
import pytest

from batch_race.analyze.measures import per_run
from batch_race.hyperparameters import REGISTRY, RUN
from batch_race.store import crossings
from tests.curves import curve, evaluated_twice, measured

NOTHING = {"loss": [], "accuracy": []}


def value(measures, measure):
    (row,) = measures.filter(measure=measure).to_dicts()
    return row["value"]


CROSSING = {
    **{"step": 3, "examples": 96, "training_seconds": 1.25, "wall_seconds": 2.75},
    **{"step_low": 2, "examples_low": 64, "training_seconds_low": 1.0, "wall_seconds_low": 2.25},
}


def crossing(table, target="loss", value=0.5, **costs):
    run = {key: table[key][0] for key in RUN}
    row = run | {"target": target, "target_value": float(value), "source": "grid"} | costs
    return pl.DataFrame([row], schema=crossings.COLLECTED)


@pytest.mark.parametrize(
    ("measure", "clock", "expected"),
    [
        ("seconds", "training", (1.25, 1.0)),
        ("seconds", "wall", (2.75, 2.25)),
        ("steps", "wall", (3.0, 2.0)),
        ("examples", "training", (96.0, 64.0)),
    ],
)
def test_the_cost_of_a_target_is_that_of_its_crossing(measure, clock, expected):
    # Not that of the run's own evaluations.
    table = curve([2.0, 1.0])
    found = crossing(table, **CROSSING)
    measures = per_run(table, found, {"loss": [0.5]}, clock)
    (row,) = measures.filter(measure=measure).to_dicts()
    assert (row["value"], row["value_low"]) == expected
    assert row["outcome"] == "reached"


def test_a_target_that_a_run_was_not_asked_for_is_unknown():
    table = curve([2.0, 0.1], stopped="diverged")
    others = pl.concat([crossing(table, value=0.4), crossing(table, "accuracy", 0.5)])
    measures = per_run(table, others, {"loss": [0.5]}, "training")
    assert measures.filter(measure="seconds")["outcome"].to_list() == ["unknown"]


def test_each_target_has_its_own_crossing():
    table = curve([2.0, 1.0])
    asked = {"loss": [0.5, 0.4], "accuracy": [50]}
    found = [
        crossing(table, step=1, training_seconds=7.0),
        crossing(table, value=0.4, step=2, training_seconds=8.0),
        crossing(table, "accuracy", 50, step=3, training_seconds=9.0),
    ]
    measures = per_run(table, pl.concat(found[::-1]), asked, "training")
    assert measures.filter(measure="seconds")["value"].to_list() == [7.0, 8.0, 9.0]


def test_the_last_of_two_evaluations_of_a_step_counts():
    table = evaluated_twice(curve([2.0, 1.0, 0.0])).filter(step=1)
    assert value(measured(table, NOTHING, "wall"), "final_epoch") == 1


@pytest.mark.parametrize("losses", [[2.0, 1.0, 0.7], [2.0, math.inf, math.nan]])
def test_a_missed_target_has_no_value_but_the_cost_of_the_run(losses):
    measures = measured(curve(losses), {"loss": [0.5]}, "training")
    (row,) = measures.filter(measure="seconds").to_dicts()
    assert (row["outcome"], row["value"], row["spent"]) == ("missed", None, 1.0)


def test_a_target_that_may_lie_in_the_rest_of_a_run_is_missed_in_the_part_before_alone():
    table = curve([2.0, 1.0, 0.7])
    part = {name: cost / 2 for name, cost in CROSSING.items() if name.endswith("_low")}
    found = crossing(table, source="evaluations", **part)
    (row,) = per_run(table, found, {"loss": [0.5]}, "training").filter(measure="seconds").to_dicts()
    assert (row["outcome"], row["value"], row["value_low"]) == ("missed", None, None)
    assert row["spent"] == part["training_seconds_low"] < table["training_seconds"][-1]


@pytest.mark.parametrize(
    ("losses", "stopped", "outcome"),
    [
        ([2.0, 1.0, 0.4], "budget", "reached"),
        ([2.0, 1.0, 0.4], "target", "reached"),
        ([2.0, 0.4, 99.0], "diverged", "reached"),
        ([2.0, 1.0, 0.6], "budget", "missed"),
        ([2.0, 1.0, 0.6], "target", "unknown"),
        ([2.0, 1.0, 99.0], "diverged", "diverged"),
        ([0.4, 1.0, 99.0], "diverged", "initial"),
        ([0.5, 0.4, 0.3], "budget", "initial"),
    ],
)
def test_the_outcome_of_a_run_and_a_target(losses, stopped, outcome):
    measures = measured(curve(losses, stopped=stopped), {"loss": [0.5]}, "training")
    costs = measures.filter(pl.col("target").is_not_null())
    assert costs["outcome"].to_list() == [outcome] * 3
    assert costs["value"].is_not_null().to_list() == [outcome in ("reached", "initial")] * 3


def test_the_seconds_of_a_diverged_run_are_in_no_column():
    lost = curve([2.0, math.nan], stopped="diverged")
    measures = measured(lost, {"loss": [0.5]}, "training")
    (row,) = measures.filter(measure="seconds").to_dicts()
    assert (row["value"], row["spent"]) == (None, None)


def test_a_measure_without_a_target_has_no_outcome():
    measures = measured(curve([2.0, 1.0]), NOTHING, "training")
    assert measures["outcome"].null_count() == len(measures)


def test_the_measures_at_the_end_of_a_run():
    measures = measured(curve([2.0, 1.0, 0.5], batch_size=10), NOTHING, "wall")
    ends = dict(measures.select("measure", "value").rows())
    assert ends == {
        "final_loss": 0.5,
        "final_accuracy": 95.0,
        "final_step": 2.0,
        "final_epoch": 0.0,
        "steps_per_second": 2.0,  # of training, whatever the clock
        "examples_per_second": 20.0,
    }


def test_a_diverged_run_has_no_final_loss():
    measures = measured(curve([2.0, math.nan], stopped="diverged"), NOTHING, "training")
    assert value(measures, "final_loss") is None
    assert measures["diverged"].all()


def test_a_run_without_a_step_has_no_throughput():
    assert value(measured(curve([2.0]), NOTHING, "training"), "steps_per_second") is None


def test_runs_are_identified_by_all_their_parameters():
    # A crossing must not be joined to another run.
    changes = [
        {},
        {"seed": 2},
        {"machine": "Abacus 4"},
        {"software": "numpy 3"},
        {"threads": 2},
        {"elementwise": "numexpr"},
        {"subnormals": "kept"},
        {"learning_rate": 0.1},
        {"batch_size": 1},
        {"dataset": "kmnist"},
        {"leftover": "keep"},
        {"shuffle": True},
        {"inputs": "unit"},
        {"initializer": "normal"},
        {"hidden_nodes": 3},
    ]
    table = pl.concat(curve([2.0, 1.0, 0.0], **change) for change in changes)
    measures = measured(table.sample(fraction=1, shuffle=True, seed=0), {"loss": [0.5]}, "training")
    assert measures.filter(measure="steps")["value"].to_list() == [1.5] * len(changes)


def decided(table, rule, *, target=0.5, is_whole=False):
    """Give the decision about a run and a target."""
    run = {key: table[key][0] for key in REGISTRY}
    row = run | {"rule": rule, "target": "loss", "target_value": target, "is_whole": is_whole}
    return pl.DataFrame([row])


@pytest.mark.parametrize(
    ("rule", "step", "expected"),
    [
        ("slower", None, ("stopped", None, 0.5)),
        ("slower", 3, ("reached", 1.25, 0.5)),  # after it had been stopped for the target
        ("budget", None, ("missed", None, 0.5)),
        ("diverged", None, ("missed", None, 0.5)),  # what its history says counts
        ("reached", 3, ("reached", 1.25, 0.5)),
    ],
)
def test_a_run_of_a_race_that_was_stopped_is_censored(rule, step, expected):
    table = curve([2.0, 1.0])
    found = crossing(table, **(CROSSING if step else {}))
    targets = {"loss": [0.5]}
    measures = per_run(table, found, targets, "training", decided(table, rule))
    (row,) = measures.filter(measure="seconds").to_dicts()
    assert (row["outcome"], row["value"], row["spent"]) == expected


def test_a_run_of_a_race_counts_for_its_own_targets_alone():
    table = curve([2.0, 1.0])
    found = pl.concat([crossing(table, value=value) for value in (0.5, 0.4)])
    measures = per_run(table, found, {"loss": [0.5, 0.4]}, "training", decided(table, "slower"))
    assert measures.filter(measure="seconds")["target_value"].to_list() == [0.5]


@pytest.mark.parametrize("is_whole", [False, True])
def test_a_run_that_was_stopped_has_no_values_at_the_end_but_its_speed(is_whole):
    table = curve([2.0, 1.0])
    made = decided(table, "slower", is_whole=is_whole)
    measures = per_run(table, crossing(table), {"loss": [0.5]}, "training", made)
    assert (value(measures, "final_loss") is not None) == is_whole
    assert (value(measures, "final_epoch") is not None) == is_whole
    assert value(measures, "steps_per_second") == 2
