"""What is measured of a run, against a plain reading of its curve."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.curves import curve, evaluated_twice, measured

NOTHING = {"loss": [], "accuracy": []}


def value(measures, measure):
    (row,) = measures.filter(measure=measure).to_dicts()
    return row["value"]


def test_a_target_is_reached_on_the_line_between_two_evaluations():
    measures = measured(curve([2.0, 1.0, 0.6, 0.2]), {"loss": [0.5]}, "training")
    assert value(measures, "steps") == pytest.approx(2.25)
    assert value(measures, "seconds") == pytest.approx(1.125)
    assert value(measures, "examples") == pytest.approx(72)


def test_the_seconds_are_those_of_the_clock_asked_for():
    measures = measured(curve([2.0, 1.0, 0.0]), {"loss": [0.5]}, "wall")
    assert value(measures, "seconds") == pytest.approx(1.5)


def test_a_step_that_is_evaluated_twice_counts_from_the_second():
    table = evaluated_twice(curve([2.0, 1.0, 0.0]))
    measures = measured(table, {"loss": [0.5]}, "wall")
    assert value(measures, "seconds") == pytest.approx((1.5 + 2) / 2)
    assert value(measures, "steps") == pytest.approx(1.5)
    assert value(measured(table.filter(step=1), NOTHING, "wall"), "final_epoch") == 1


def test_an_accuracy_is_reached_from_below():
    measures = measured(curve([2.0, 1.0, 0.0]), {"accuracy": [95]}, "training")
    assert value(measures, "steps") == pytest.approx(1.5)


def test_a_target_counts_as_reached_when_it_is_first():
    # A noisy loss may rise again.
    measures = measured(curve([2.0, 1.0, 3.0, 0.5]), {"loss": [1.5]}, "training")
    assert value(measures, "steps") == pytest.approx(0.5)


@pytest.mark.parametrize("losses", [[0.5, 0.4], [0.5]])
def test_a_run_that_begins_at_its_target_needs_nothing(losses):
    assert value(measured(curve(losses), {"loss": [0.5]}, "training"), "steps") == 0


@pytest.mark.parametrize("gone", [math.nan, math.inf])
def test_a_run_that_comes_back_from_no_loss_at_all_arrives_when_it_is_there(gone):
    measures = measured(curve([2.0, gone, 0.1]), {"loss": [0.5]}, "training")
    assert value(measures, "steps") == 2


@pytest.mark.parametrize("losses", [[2.0, 1.0, 0.7], [2.0, math.inf, math.nan]])
def test_a_missed_target_has_no_value_but_what_was_spent(losses):
    measures = measured(curve(losses), {"loss": [0.5]}, "training")
    (row,) = measures.filter(measure="seconds").to_dicts()
    assert (row["outcome"], row["value"], row["spent"]) == ("missed", None, 1.0)


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


def test_the_seconds_that_a_diverged_run_lived_are_in_no_column():
    lost = curve([2.0, math.nan], stopped="diverged")
    measures = measured(lost, {"loss": [0.5]}, "training")
    (row,) = measures.filter(measure="seconds").to_dicts()
    assert (row["value"], row["spent"]) == (None, None)


def test_an_end_has_no_outcome():
    measures = measured(curve([2.0, 1.0]), NOTHING, "training")
    assert measures["outcome"].null_count() == len(measures)


def test_the_ends_of_a_run():
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


def test_a_run_without_a_step_has_no_rate():
    assert value(measured(curve([2.0]), NOTHING, "training"), "steps_per_second") is None


def test_runs_are_told_apart_by_all_that_can_differ():
    # A value of one run must never be the line's other end of another's.
    changes = [
        {},
        {"seed": 2},
        {"machine": "Abacus 4"},
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


@given(
    st.lists(st.floats(0.01, 3), min_size=1, max_size=12),
    st.floats(0.01, 3),
)
def test_any_curve_is_read_as_a_ruler_would(losses, target):
    found = value(measured(curve(losses), {"loss": [target]}, "training"), "steps")
    below = [step for step, loss in enumerate(losses) if loss <= target]
    if not below:
        assert found is None
    elif below[0] == 0:
        assert found == 0
    else:
        ends = [below[0], below[0] - 1]
        expected = np.interp(target, [losses[end] for end in ends], ends)
        assert found == pytest.approx(expected, abs=1e-6)
