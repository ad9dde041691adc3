"""What the charts show, read from what is drawn."""

import base64
import io
import xml.etree.ElementTree as ElementTree

import numpy as np
import polars as pl
import pytest
from PIL import Image

from batch_race.analyze import mistakes
from batch_race.analyze.statistics import summarize
from batch_race.report import charts, theme
from tests.curves import curve, each_seed, falling, measured


def rows(chart):
    """Take the data out of a chart."""
    described = chart.to_dict()
    (data,) = described["datasets"].values()
    return described, data


def test_runs_are_named_as_in_the_chapter_and_in_the_order_of_their_batch_size():
    table = pl.concat(curve([2.0, 1.0], batch_size=size) for size in (60000, 128, 1, 32))
    described, _ = rows(charts.loss_by_seconds(table, "Title", "training"))
    scale = described["layer"][0]["encoding"]["color"]["scale"]
    assert scale["domain"] == ["Stochastic GD", "Batch 32", "Batch 128", "Batch GD"]
    assert described["title"]["text"] == "Title"
    assert described["title"]["subtitle"] == "mnist · evaluation off the clock · Abacus 3"


def test_iterations_are_numbered_from_1():
    drawn = charts.learning_by_iteration(curve([2.0, 1.5, 1.0]), "Title", "training").to_dict()
    losses, accuracies = drawn["datasets"].values()
    assert [(row["iteration"], row["training_loss"]) for row in losses] == [(1, 1.5), (2, 1.0)]
    assert [(row["iteration"], row["test_accuracy"]) for row in accuracies] == [(1, 85), (2, 90)]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ([{"learning_rate": 0.1}, {}], ["learning_rate 0.01", "learning_rate 0.1"]),
        ([{"threads": 2}, {}], ["threads 1", "threads 2"]),
        ([{"machine": "B"}, {"machine": "A"}], ["machine A", "machine B"]),
    ],
)
def test_what_else_tells_configurations_apart_is_in_their_names(changes, names):
    table = pl.concat(curve([2.0, 1.0], **change) for change in changes)
    series = charts.series_names(table)
    assert sorted(series.unique()) == [f"Batch 32, {name}" for name in names]


def test_a_mark_of_one_seed_marks_the_line():
    table = pl.concat([curve([2.0, 1.0], seed=1), curve([2.0, 1.0], seed=2, contended=True)])
    assert charts.series_names(table).unique().to_list() == ["Batch 32 (contended)"]


def test_seeds_are_one_line_with_a_band():
    described, data = rows(
        charts.loss_by_seconds(each_seed(falling, [10, 20, 30]), "Title", "training")
    )
    assert {row["series"] for row in data} == {"Batch 32"}
    assert [layer["mark"]["type"] for layer in described["layer"]] == ["area", "line", "point"]
    at_five = next(row for row in data if row["training_seconds"] == 5.0)
    assert at_five["training_loss"] == pytest.approx(1.5)
    assert (at_five["low"], at_five["high"]) == pytest.approx((1.0, 2 - 1 / 3))


def test_the_seconds_to_each_target():
    table = pl.concat(
        [
            each_seed(falling, [10, 20, 30], batch_size=32),
            each_seed(falling, [40, 50, 60], batch_size=1, learning_rate=0.1),
            each_seed(falling, [90, 90, 90], batch_size=1),
            curve([2.0, 1.5], batch_size=7),
        ]
    )
    measures = measured(table, {"loss": [1.0], "accuracy": []}, "training")
    described, data = rows(charts.seconds_to_target(summarize(measures), "Title", "training"))
    assert sorted((row["batch_size"], row["median"], row["low"], row["high"]) for row in data) == [
        (1, pytest.approx(25), pytest.approx(20), pytest.approx(30)),
        (32, pytest.approx(10), pytest.approx(5), pytest.approx(15)),
    ]
    assert {row["series"] for row in data} == {"loss 1"}
    subtitle = " ".join(described["title"]["subtitle"])
    assert "each batch size at its best learning rate" in subtitle
    assert "bars: lowest to highest of 3" in subtitle


def test_a_miss_and_an_unknown_outcome_have_signs_of_their_own():
    table = pl.concat(
        [
            falling(10, batch_size=1),
            curve([2.0, 1.5], batch_size=2),
            curve([2.0, 1.5], batch_size=4, stopped="target"),
        ]
    )
    measures = measured(table, {"loss": [1.0]}, "training")
    _, data = rows(charts.learning_rates(summarize(measures), "Title", "training"))
    assert {row["batch_size"]: row["text"] for row in data} == {1: "5", 2: "–", 4: "?"}


def test_without_anything_to_draw_there_is_an_empty_chart(tmp_path):
    measures = measured(curve([2.0, 1.5]), {"loss": [1.0]}, "training")
    chart = charts.steps_to_target(summarize(measures), "Title", "training")
    theme.save(chart, tmp_path / "chart.svg")
    assert "steps to target" in (tmp_path / "chart.svg").read_text()


SUMMARY_CHARTS = ["seconds_to_target", "examples_to_target", "throughput", "learning_rates"]


@pytest.mark.parametrize("name", SUMMARY_CHARTS)
@pytest.mark.parametrize("targets", [{}, {"loss": [1.0]}, {"loss": [0.1]}])
def test_a_summary_is_drawn_whatever_its_targets(name, targets, tmp_path):
    table = pl.concat(
        [each_seed(falling, [3, 4], batch_size=size, learning_rate=0.1) for size in (1, 32)]
    ).filter(pl.col("training_loss") > 0.5)
    summary = summarize(measured(table, targets, "training"))
    theme.save(charts.CHARTS[name](summary, "Title", "training"), tmp_path / "chart.svg")
    assert "Title" in (tmp_path / "chart.svg").read_text()


def test_a_run_without_an_iteration_is_no_point(tmp_path):
    theme.save(charts.learning_by_iteration(curve([2.0]), "Title", "wall"), tmp_path / "chart.svg")
    assert "iteration" in (tmp_path / "chart.svg").read_text()


@pytest.mark.parametrize("name", ["loss_curves", "accuracy_curves"])
def test_curves_are_drawn_on_linear_and_logarithmic_axes(name, tmp_path):
    for table in (falling(10), each_seed(falling, [3, 4]), curve([2.0])):
        theme.save(charts.CHARTS[name](table, "Title", "wall"), tmp_path / "chart.svg")
        assert "seconds in all" in (tmp_path / "chart.svg").read_text()


def test_mistakes_are_drawn_as_they_look(tmp_path):
    pixels = [[0, 255, 0], [255, 0, 255]]
    row = {"dataset": "mnist", "machine": "Abacus 3", "run": "batch 32", "of": 9}
    one = row | {"label": 7, "predicted": 1, "probability": 0.983, "pixels": pixels}
    found = pl.DataFrame([one, one], schema=mistakes.nothing()[1].schema)
    described, data = rows(charts.CHARTS["worst_mistakes"](found, "Title", "training"))
    assert [tile["text"] for tile in data] == ["7 → 1 · 98 %"] * 2
    picture = base64.b64decode(data[0]["url"].removeprefix("data:image/png;base64,"))
    assert np.array_equal(Image.open(io.BytesIO(picture)), pixels)
    assert "batch 32 · 2 of 9 mistakes" in described["title"]["subtitle"]


@pytest.mark.parametrize("name", ["confusion_matrix", "worst_mistakes"])
def test_a_race_that_nobody_won_has_charts_too(name, tmp_path):
    table = dict(zip(("confusion_matrix", "worst_mistakes"), mistakes.nothing(), strict=True))[name]
    theme.save(charts.CHARTS[name](table, "Title", "training"), tmp_path / "chart.svg")
    assert "no " in (tmp_path / "chart.svg").read_text()


def test_long_titles_and_notes_are_broken_between_notes():
    table = curve([2.0], machine="A processor with a very long name, " * 2)
    title = theme.title(table, "Which? " * 17, "a note of some words", "another of some more words")
    assert len(title.text) == 2
    assert title.subtitle[0] == "mnist · a note of some words · another of some more words ·"
    assert all(len(line) <= 100 for line in title.subtitle)


def test_evaluations_are_marked_where_there_are_few(tmp_path):
    dense = curve(np.linspace(2, 1, 500).tolist())
    sparse = curve([2.0, 1.0, 0.5], batch_size=8, step_seconds=100.0)
    theme.save(
        charts.loss_by_seconds(pl.concat([dense, sparse]), "Title", "training"), tmp_path / "a.svg"
    )
    drawn = ElementTree.parse(tmp_path / "a.svg")
    marks = drawn.findall(".//{*}g[@class='mark-symbol role-mark layer_1_marks']/{*}path")
    assert len(marks) == 3
