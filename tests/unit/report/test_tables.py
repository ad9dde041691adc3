"""The summary as a table."""

import polars as pl
import pytest

from batch_race.analyze.statistics import summarize
from batch_race.report.tables import markdown, rows
from tests.curves import curve, each_seed, falling, measured


def table(*histories):
    measures = measured(pl.concat(histories), {"loss": [1.0], "accuracy": [99]}, "training")
    lines = markdown(summarize(measures)).splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_row_for_each_configuration():
    heading, rule, *rows = table(
        each_seed(falling, [10, 20, 30], batch_size=32),
        pl.concat([curve([2.0, 1.75], seed=seed, batch_size=64) for seed in (1, 2)]),
    )
    assert set(rule) == {"---"}
    assert [dict(zip(heading, row, strict=True)) for row in rows] == [
        {
            "dataset": "mnist",
            "batch_size": "32",
            "learning_rate": "0.01",
            "runs": "3",
            "contended": "0",
            "diverged": "0",
            "seconds to loss 1": "10 [5, 15]",
            "seconds to accuracy 99 %": "19 [9.5, 28.5]",
            "final loss": "0 [0, 0]",
            "final accuracy (%)": "100 [100, 100]",
            "steps": "41 [21, 61]",
            "epochs": "0 [0, 0]",
            "steps per second": "2 [2, 2]",
            "examples per second": "64 [64, 64]",
            "interval": "lowest to highest of 3",
        },
        {
            "dataset": "mnist",
            "batch_size": "64",
            "learning_rate": "0.01",
            "runs": "2",
            "contended": "0",
            "diverged": "0",
            "seconds to loss 1": "– (0 of 2 reached it)",
            "seconds to accuracy 99 %": "– (0 of 2 reached it)",
            "final loss": "1.75 [1.75, 1.75]",
            "final accuracy (%)": "82.5 [82.5, 82.5]",
            "steps": "1 [1, 1]",
            "epochs": "0 [0, 0]",
            "steps per second": "2 [2, 2]",
            "examples per second": "128 [128, 128]",
            "interval": "lowest to highest of 2",
        },
    ]


@pytest.mark.parametrize("fewer", ["loss", "accuracy"])
def test_a_cell_stands_below_its_target_whatever_the_numbers_of_seeds(fewer):
    histories = [each_seed(falling, [10, 20, 30], batch_size=size) for size in (32, 64)]
    measures = measured(pl.concat(histories), {"loss": [1.0], "accuracy": [99]}, "training")
    # As after a race, which trains further seeds for some targets of some configurations.
    untrained = (
        (pl.col("batch_size") == 64) & (pl.col("target") == fewer) & (pl.col("seed") > 1)
    ).fill_null(value=False)
    summary = summarize(measures.filter(~untrained))
    order = summary.filter(measure="seconds")["target"].to_list()
    assert order == ["loss", "accuracy"] * 2
    # Also of a summary in another order.
    for table in (summary, summary.sort("batch_size", "target", descending=[False, True])):
        heading, of_32, of_64 = rows(table)
        loss, accuracy = (
            heading.index(f"seconds to {name}") for name in ("loss 1", "accuracy 99 %")
        )
        assert (of_32[loss], of_32[accuracy]) == ("10 [5, 15]", "19 [9.5, 28.5]")
        alone, others = (loss, accuracy) if fewer == "loss" else (accuracy, loss)
        assert of_64[alone] == ("5" if fewer == "loss" else "9.5")
        assert of_64[others].startswith("19 [9.5, 28.5" if fewer == "loss" else "10 [5, 15")


def test_an_unknown_outcome_and_no_race_differ_from_a_miss():
    heading, _, unknown, initial = table(
        falling(10, batch_size=32)
        .filter(pl.col("step") < 5)
        .with_columns(stopped=pl.lit("target")),
        curve([0.9, 0.8], batch_size=64),
    )
    index = heading.index("seconds to loss 1")
    assert unknown[index] == "– (0 of 1 reached it, 1 unknown)"
    assert initial[index] == "no race (1 of 1 began there)"
    assert unknown[-1] == "–"


def test_varying_parameters_have_columns():
    heading, *_ = table(falling(10, threads=1), falling(5, threads=2))
    assert heading[:4] == ["dataset", "threads", "batch_size", "learning_rate"]


def test_an_interval_of_another_kind_than_the_rows_has_it_named():
    measures = measured(each_seed(falling, [10, 20, 30]), {"loss": [1.0, 0.5]}, "training")
    # With pruning, not all seeds are trained for each target.
    fewer = measures.filter(pl.col("target_value").ne_missing(0.5) | (pl.col("seed") < 3))
    heading, row = rows(summarize(fewer))
    cells = dict(zip(heading, row, strict=True))
    assert cells["seconds to loss 1"] == "10 [5, 15]"
    assert cells["seconds to loss 0.5"] == "11.2 [7.5, 15; lowest to highest of 2]"
    assert cells["interval"] == "lowest to highest of 3"


def test_all_examples_have_one_name():
    _, _, row = table(falling(10, batch_size=60000))
    assert row[1] == "all (60,000)"
