"""The parts of the page (tests/workflow/test_page.py opens it in a browser)."""

import json

import numpy as np
import polars as pl
import pytest
import yaml

from batch_race.analyze.statistics import summarize
from batch_race.report import page
from tests.conftest import ROOT
from tests.curves import curve, each_seed, falling, measured
from tests.project import DEFAULTS


def test_a_curve_is_that_of_its_history():
    race = page.race(pl.concat([curve([2.0, 1.5, 1.0]), curve([2.0, 1.0], batch_size=1)]))
    assert [each["name"] for each in race["series"]] == ["batch 1", "batch 32"]
    of_batch_32 = race["curves"]["examples"]["training_loss"][1]
    assert of_batch_32 == {"x": [0, 32, 64], "y": [2.0, 1.5, 1.0]}
    assert race["curves"]["wall_seconds"]["test_accuracy"][0] == {"x": [0, 1.0], "y": [80, 90]}


def test_seeds_are_a_median_with_a_band():
    race = page.race(each_seed(falling, [10, 20, 30]))
    (drawn,) = race["curves"]["step"]["training_loss"]
    at_ten = drawn["x"].index(10)
    assert drawn["y"][at_ten] == pytest.approx(1.5)
    assert drawn["low"][at_ten] == pytest.approx(1.0)
    assert drawn["high"][at_ten] == pytest.approx(2 - 1 / 3, rel=1e-4)


def test_a_loss_that_is_not_finite_is_null():
    lost = curve([2.0, 3.0, float("inf"), float("nan")], stopped="diverged")
    race = page.race(lost)
    (drawn,) = race["curves"]["step"]["training_loss"]
    assert drawn["y"] == [2.0, 3.0, None, None]
    json.dumps(race, allow_nan=False)


def test_many_long_curves_make_a_small_page():
    noise = np.random.default_rng(0)
    sizes = range(1, 101)
    runs = [curve(noise.uniform(0.1, 2, 2000).tolist(), batch_size=size) for size in sizes]
    race = page.race(pl.concat(runs))
    assert len(race["series"]) == 16
    assert "the 16 lowest of 100 curves" in race["note"]
    assert len(json.dumps(race)) < 3.5e6  # besides Vega's 0.9 MB


def test_captions_have_no_markup():
    for path in (ROOT / "workflow" / "report").glob("*_*.rst"):
        text = page.caption(path.read_text(), "my-race", "wall")
        assert not {"{", "}", "*"} & set(text)
        assert ("my-race" in text) == ("experiment" in path.read_text())


def test_a_caption_is_filled_in():
    text = (
        "Of **{{ snakemake.wildcards.experiment }}**, *wall* or **{{ snakemake.params.clock }}**."
    )
    assert page.caption(text, "<b>", "training") == "Of <b>, wall or training."


def test_the_configuration_is_that_of_the_runs():
    swept = DEFAULTS | {"budget": {"seconds": 60.0}, "evaluation": {"time_fraction": 0.5}}
    runs = [
        {"specification": swept | {"batch_size": size, "seed": seed}}
        for size in (8, 32)
        for seed in (1, 2)
    ]
    summary = summarize(measured(falling(10), {"loss": [1.0, 0.5], "accuracy": [90]}, "training"))
    read = yaml.safe_load(page.configuration(runs, summary))
    assert read["batch_size"] == [8, 32]
    assert read["seed"] == [1, 2]
    assert read["hidden_nodes"] == 200
    assert read["budget"] == {"seconds": 60}
    assert read["targets"] == {"loss": [1.0, 0.5], "accuracy": [90]}


def test_the_parts_of_a_concatenated_chart_become_single_charts():
    data = {"a": [{"x": 1}], "b": [{"x": 2}], "c": []}
    parts = [{"mark": "point", "data": {"name": name}, "width": 300} for name in data]
    drawn = {
        "hconcat": parts,
        "datasets": data,
        "config": {},
        "title": {"subtitle": ["one", "two"]},
    }
    made = page.chart("seconds_to_target", drawn, "Caption")
    assert made["heading"] == "Seconds to target"
    assert made["note"] == "one two"
    assert [spec["datasets"] for spec in made["specs"]] == [{"a": data["a"]}, {"b": data["b"]}]
    assert {spec["width"] for spec in made["specs"]} == {"container"}


def test_a_run_without_a_step_is_a_point():
    race = page.race(curve([2.0]))
    assert race["curves"]["training_seconds"]["training_loss"] == [{"x": [0], "y": [2.0]}]
