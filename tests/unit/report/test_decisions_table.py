"""The decisions of a race in words."""

import math

import numpy as np
import pytest

from batch_race.analyze import decisions
from batch_race.report import decisions_table
from benchmarks import races
from benchmarks.races import Course

IMAGES = {"mnist": 60000}


@pytest.fixture(scope="module")
def made():
    """A race with a stopped run, a missed target and seeds."""
    times = {1: [20.0, 20.0], 32: [1.5, 12.0], 128: [2.0, math.inf], 512: [9.0, 3.0]}
    targets = {"loss": [0.2, 0.5], "accuracy": []}
    plan = races.plan(
        {size: [0.01] for size in times}, (1, 2, 3), targets, races.budgets(16, 5), 1.5
    )
    courses = {
        (size, 0.01, seed): Course(*([each * (1 + seed / 1000) for each in own],) * 2)
        for size, own in times.items()
        for seed in (1, 2, 3)
    }
    return decisions.tabulate(plan, races.run(plan, courses))


def test_each_decision_is_in_words(made):
    heading, *rows = decisions_table.rows(made, 1.5, IMAGES)
    assert heading == ["round", "batch_size", "learning_rate", "seed", "decision", "targets"]
    words = {(row[1], row[3], row[4]): row[5] for row in rows}
    for seconds, target, leader in (
        ("4.51", "0.2", "32 at learning rate 0.01, 1.5 s"),
        ("4.51", "0.5", "512 at learning rate 0.01, 3 s"),
    ):
        stopped = f"stopped: over {seconds} s, more than 1.5 times as long as batch {leader}"
        assert words[("1", "1", stopped)] == f"loss {target}"
    assert all(len(row) == len(heading) for row in rows)


def test_the_largest_batch_size_has_its_name(made):
    texts = [cell for row in decisions_table.rows(made, 1.5, {"mnist": 512}) for cell in row]
    assert "all (512)" in texts
    assert any(text.endswith("as long as all (512) at learning rate 0.01, 3 s") for text in texts)
    assert not any("batch 512" in text for text in texts)


def test_rounds_are_in_order(made):
    numbers = [int(row[0]) for row in decisions_table.rows(made, 1.5, IMAGES)[1:]]
    assert numbers == sorted(numbers)


def test_each_rule_has_words():
    row = dict.fromkeys(decisions.SCHEMA, 1) | {"rule": "none such"}
    with pytest.raises(NotImplementedError):
        decisions_table._in_words(row, 1.5, 60000)
    rules = ("slower", "reached", "budget", "diverged", "ended")
    rules += ("start", "widened", "refined", "settled")
    assert len({decisions_table._in_words(row | {"rule": rule}, 1.5, 60000) for rule in rules}) == 9


def test_a_table_without_decisions_has_a_heading(made):
    assert len(decisions_table.rows(made.clear(), None, IMAGES)) == 1
    assert np.shape(decisions_table.rows(made.head(1), 1.5, IMAGES))[0] == 2
