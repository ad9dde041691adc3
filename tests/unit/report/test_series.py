"""The names, order and styles of series."""

import polars as pl
import pytest

from batch_race.report import series, theme
from tests.curves import curve


def test_series_are_named_as_in_the_chapter_and_sorted_by_batch_size():
    table = pl.concat(curve([2.0, 1.0], batch_size=size) for size in (60000, 128, 1, 32))
    named, names = series.in_order(table)
    assert names == ["Stochastic GD", "Batch 32", "Batch 128", "Batch GD"]
    assert named["series"].to_list() == [name for name in names for _ in range(2)]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ([{"learning_rate": 0.1}, {}], ["learning_rate 0.01", "learning_rate 0.1"]),
        ([{"threads": 2}, {}], ["threads 1", "threads 2"]),
        ([{"machine": "B"}, {"machine": "A"}], ["machine A", "machine B"]),
    ],
)
def test_varying_parameters_are_in_the_names(changes, names):
    table = pl.concat(curve([2.0, 1.0], **change) for change in changes)
    assert sorted(series.names(table).unique()) == [f"Batch 32, {name}" for name in names]


def test_a_flag_of_one_seed_flags_the_series():
    table = pl.concat([curve([2.0, 1.0], seed=1), curve([2.0, 1.0], seed=2, contended=True)])
    assert series.names(table).unique().to_list() == ["Batch 32 (contended)"]
    table = table.with_columns(contended=pl.lit(False), stopped=pl.lit("diverged"))
    assert series.names(table).unique().to_list() == ["Batch 32 (diverged)"]


def test_beyond_the_colours_dashes_distinguish_the_series():
    names = [str(index) for index in range(len(theme.COLOURS) + 1)]
    colour, dash = (each.to_dict()["scale"] for each in series.encodings(names, "type"))
    assert colour["domain"] == dash["domain"] == names
    assert colour["range"][0] == colour["range"][-1]
    assert dash["range"][0] != dash["range"][-1]
