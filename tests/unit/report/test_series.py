"""The names, order and styles of series."""

import polars as pl
import pytest

from batch_race.report import lines, series
from batch_race.report.colours import of_batch_size
from tests.curves import curve

CONTENDED = {"contended": True}
DIVERGED = {"stopped": "diverged"}


def runs(*changes):
    """Return a run for each of some changes to the usual one."""
    return pl.concat(curve([2.0, 1.0], **change) for change in changes)


def of_sizes(*sizes, **others):
    return runs(*({"batch_size": size} | others for size in sizes))


def test_series_are_named_and_sorted_by_batch_size():
    named, names = series.in_order(of_sizes(60000, 2048, 1, 32))
    assert names == ["batch 1", "batch 32", "batch 2,048", "all (60,000)"]
    assert named["series"].to_list() == [name for name in names for _ in range(2)]


def test_in_the_chapters_charts_series_have_its_names():
    _, names = series.in_order(of_sizes(60000, 2048, 1, 32), in_chapter=True)
    assert names == ["Stochastic GD", "Batch 32", "Batch 2048", "Batch GD"]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ([{"learning_rate": 0.1}, {}], ["learning rate 0.01", "learning rate 0.1"]),
        ([{"threads": 2}, {}], ["threads 1", "threads 2"]),
        ([{"machine": "B"}, {"machine": "A"}], ["machine A", "machine B"]),
    ],
)
def test_varying_parameters_are_in_the_names(changes, names):
    found = series.names(runs(*changes)).unique()
    assert sorted(found) == [f"batch 32, {name}" for name in names]


@pytest.mark.parametrize(("flag", "text"), [(CONTENDED, " (contended)"), (DIVERGED, " (diverged)")])
def test_a_flag_of_one_seed_flags_its_series_unless_all_have_one(flag, text):
    table = runs({"seed": 1}, {"seed": 2} | flag, {"batch_size": 8})
    assert sorted(series.names(table).unique()) == [f"batch 32{text}", "batch 8"]
    table = runs({"seed": 1}, {"seed": 2} | flag, {"batch_size": 8} | flag)
    assert sorted(series.names(table).unique()) == ["batch 32", "batch 8"]


def test_the_colour_is_that_of_the_batch_size_whatever_else_is_there():
    few, many = (
        series.styles(series.in_order(table)[0])
        for table in (of_sizes(32), of_sizes(1, 8, 16, 32, 64, 60000))
    )
    assert few["batch 32"] == many["batch 32"] == (of_batch_size(32), [1, 0])


def test_the_dashes_are_those_of_the_learning_rate_and_what_else_differs():
    table = pl.concat(of_sizes(8, 32, learning_rate=rate) for rate in (0.1, 0.01, 0.03))
    styles = series.styles(series.in_order(table)[0])
    for rate in (0.01, 0.03, 0.1):
        eight, other = (styles[f"batch {size}, learning rate {rate}"] for size in (8, 32))
        assert eight[1] == other[1]
        assert eight[0] != other[0]
    assert len({tuple(dash) for _, dash in styles.values()}) == 3
    styles = series.styles(series.in_order(runs({}, {"threads": 2}, {"momentum": 0.9}))[0])
    assert len({tuple(dash) for _, dash in styles.values()}) == 3


def test_beyond_the_dashes_they_begin_again():
    table = runs(*({"learning_rate": rate / 100} for rate in range(1, 30)))
    assert len(series.styles(series.in_order(table)[0])) == 29


def test_the_legend_has_each_series_in_its_style():
    styles = {"b": ("#000000", [1, 0]), "a": ("#ffffff", [2, 2])}
    colour, dash = (each.to_dict()["scale"] for each in lines.encodings(styles))
    assert colour == {"domain": ["b", "a"], "range": ["#000000", "#ffffff"]}
    assert dash == {"domain": ["b", "a"], "range": [[1, 0], [2, 2]]}
