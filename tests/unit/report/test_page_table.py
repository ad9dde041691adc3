"""The page's table, and its CSV."""

import io

import polars as pl
import pytest

from batch_race.analyze.comparison import compare
from batch_race.analyze.statistics import summarize
from batch_race.report import page_table, tables
from tests.curves import each_seed, falling, measured

TARGETS = {"loss": [1.0, 0.5, 0.0625], "accuracy": [85.0]}


@pytest.fixture
def made():
    """The measures and summary of three batch sizes; 1 and 32 are on two machines."""
    histories = [
        each_seed(falling, [10, 11, 12], batch_size=32),
        each_seed(falling, [20, 21, 22], batch_size=1, contended=True),
        each_seed(falling, [4, 5, 6], batch_size=1, machine="Other 1"),
        each_seed(falling, [3, 3, 3], batch_size=60000, machine="Other 1"),
    ]
    runs = measured(pl.concat(histories), TARGETS, "training")
    return runs, summarize(runs)


def test_a_winner_is_marked_in_its_column(made):
    runs, summary = made
    table = page_table.table(summary, compare(runs, summary))
    heading, rows = table["heading"], table["rows"]
    wins = [{name for name, cell in zip(heading, row, strict=True) if cell["wins"]} for row in rows]
    goals = {name for name in heading if name.startswith("seconds to ")}
    assert len(goals) == 4
    won = {"batch_size", "machine"} | goals
    machines = [row[heading.index("machine")]["text"] for row in rows]
    assert machines == ["Abacus 3", "Abacus 3", "Other 1", "Other 1"]
    assert wins == [set(), won, set(), won]


def test_each_target_has_its_own_winner(made):
    runs, summary = made
    answers = [each for each in compare(runs, summary) if each["target_value"] == 0.5]
    table = page_table.table(summary, answers)
    (cell,) = {
        name
        for row in table["rows"]
        for name, cell in zip(table["heading"], row, strict=True)
        if cell["wins"] and name.startswith("seconds")
    }
    assert cell == "seconds to loss 0.5"


def test_what_all_rows_say_is_said_once(made):
    _, summary = made
    heading, *body = tables.rows(summary)
    table = page_table.table(summary, [])
    shared = dict(table["shared"])
    assert "contended" in table["heading"]
    assert sorted([*shared, *table["heading"]]) == sorted(heading)
    for row, cells in zip(body, table["rows"], strict=True):
        of_row = dict(zip(heading, row, strict=True))
        kept = dict(zip(table["heading"], (cell["text"] for cell in cells), strict=True))
        assert kept | shared == of_row


def test_a_single_row_keeps_all_its_columns():
    summary = summarize(measured(falling(10), TARGETS, "training"))
    table = page_table.table(summary, [])
    assert table["shared"] == []
    assert table["heading"] == tables.rows(summary)[0]


def test_the_csv_has_each_number_of_the_summary(made):
    _, summary = made
    read = pl.read_csv(io.StringIO(page_table.csv(summary)))
    assert len(read) == 4
    for row in summary.to_dicts():
        target = {"loss": "loss {:g}", "accuracy": "accuracy {:g} %"}.get(row["target"], "")
        name = row["measure"] + (f" to {target.format(row['target_value'])}" if target else "")
        (line,) = read.filter(machine=row["machine"], batch_size=row["batch_size"]).to_dicts()
        assert line[name] == row["median"]
        assert line[f"{name}, low"] == row["low"]
        assert line[f"{name}, high"] == row["high"]
        if target:
            assert line[f"{name}, reached"] == row["reached"]
