"""The curves that the page draws."""

import json

import numpy as np
import polars as pl
import pytest

from batch_race.hyperparameters import GROUP, WITHIN_GROUP
from batch_race.report import page_curves
from tests.curves import curve, each_seed, falling

TARGETS = {"loss": [1.0, 0.5], "accuracy": [90.0]}


def race(histories, answers=()):
    return page_curves.race(histories, TARGETS, answers)


def test_a_curve_is_that_of_its_history():
    made = race(pl.concat([curve([2.0, 1.5, 1.0]), curve([2.0, 1.0], batch_size=1)]))
    assert [each["name"] for each in made["series"]] == ["batch 1", "batch 32"]
    of_batch_32 = made["curves"]["examples"]["training_loss"][1]
    assert of_batch_32 == {"x": [0, 32, 64], "y": [2.0, 1.5, 1.0]}
    assert made["curves"]["wall_seconds"]["test_accuracy"][0] == {"x": [0, 1.0], "y": [80, 90]}


def test_seeds_are_a_median_with_a_band():
    made = race(each_seed(falling, [10, 20, 30]))
    (drawn,) = made["curves"]["step"]["training_loss"]
    at_ten = drawn["x"].index(10)
    assert drawn["y"][at_ten] == pytest.approx(1.5)
    assert drawn["low"][at_ten] == pytest.approx(1.0)
    assert drawn["high"][at_ten] == pytest.approx(2 - 1 / 3, rel=1e-4)


def test_a_loss_that_is_not_finite_is_null():
    lost = curve([2.0, 3.0, float("inf"), float("nan")], stopped="diverged")
    made = race(lost)
    (drawn,) = made["curves"]["step"]["training_loss"]
    assert drawn["y"] == [2.0, 3.0, None, None]
    json.dumps(made, allow_nan=False)


def test_many_long_curves_make_a_small_page():
    noise = np.random.default_rng(0)
    sizes = range(1, 101)
    runs = [curve(noise.uniform(0.1, 2, 2000).tolist(), batch_size=size) for size in sizes]
    made = race(pl.concat(runs))
    assert len(made["series"]) == 16
    assert "the 16 lowest of 100 curves" in made["note"]
    assert len(json.dumps(made)) < 3.5e6  # besides Vega's 0.9 MB


def test_a_run_without_a_step_is_a_point():
    made = race(curve([2.0]))
    assert made["curves"]["training_seconds"]["training_loss"] == [{"x": [0], "y": [2.0]}]


def test_the_first_to_a_target_is_the_answer_s():
    runs = pl.concat([falling(10), falling(20, batch_size=1)])
    fastest = {key: runs[key][0] for key in WITHIN_GROUP} | {"batch_size": 1, "seconds": 0.7}
    asked = {key: runs[key][0] for key in GROUP} | {"target": "loss", "target_value": 1.0}
    missed = asked | {"target_value": 0.5, "ranking": []}
    elsewhere = asked | {"machine": "another", "ranking": [fastest]}
    made = race(runs, [asked | {"ranking": [fastest]}, missed, elsewhere])
    assert made["firsts"] == {
        "training_loss": [{"value": 1.0, "seconds": 0.7, "series": "batch 1"}],
        "test_accuracy": [],
    }


def test_targets_are_those_of_the_axis():
    made = race(falling(10))
    assert made["targets"] == {
        "training_loss": [{"value": 1.0, "name": "loss 1"}, {"value": 0.5, "name": "loss 0.5"}],
        "test_accuracy": [{"value": 90.0, "name": "accuracy 90 %"}],
    }


def test_a_line_says_what_it_is():
    runs = [
        curve([2.0, 1.0], seed=1),
        curve([2.0, 1.0, 0.5], seed=2, contended=True),
        curve([2.0, 9.0], batch_size=1024, stopped="diverged"),
    ]
    first, second = race(pl.concat(runs))["series"]
    assert first["about"] == (
        "learning rate 0.01; trained for 0.5 to 1 s; "
        "median of 2 seeds, band from the lowest to the highest; "
        "1 of 2 runs contended (its times read high)"
    )
    assert second["about"] == (
        "learning rate 0.01; trained for 0.5 s; 1 seed; 1 of 1 runs diverged"
    )
    assert [first["diverged"], second["diverged"]] == [False, True]


def test_a_logarithmic_axis_begins_where_the_curves_begin_to_fall():
    flat = curve([2.0, 2.0, 2.0, 1.0, 0.5])
    lost = curve([2.0, 1e9, 1e18], batch_size=1024, stopped="diverged")
    for tables in ([flat], [flat, lost]):
        starts = race(pl.concat(tables))["log_starts"]
        assert starts["step"] == {"training_loss": 2, "test_accuracy": 2}
        assert starts["training_seconds"]["training_loss"] == 1.0
    assert race(lost)["log_starts"]["step"]["training_loss"] > 0
    assert race(curve([2.0]))["log_starts"]["step"]["training_loss"] > 0
