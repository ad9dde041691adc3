"""Medians over seeds, and the coverage of their intervals."""

import itertools

import numpy as np
import polars as pl
import pytest
from scipy import stats

from batch_race.analyze.statistics import interval_name, summarize
from tests.curves import curve, each_seed, falling, measured


def summary_of(table, measure="steps", target=1.0):
    summary = summarize(measured(table, {"loss": [target]}, "training"))
    return summary.filter(measure=measure).to_dicts()


def test_the_interval_of_few_seeds_is_lowest_to_highest():
    (row,) = summary_of(each_seed(falling, [12, 10, 11]))
    assert (row["median"], row["low"], row["high"]) == pytest.approx((11, 10, 12))
    assert row["interval"] == "lowest to highest of 3"
    assert (row["runs"], row["reached"]) == (3, 3)


@pytest.mark.parametrize(
    ("count", "name"), [(1, None), (2, "lowest to highest of 2"), (5, "lowest to highest of 5")]
)
def test_an_interval_of_few_seeds_is_not_called_95_percent(count, name):
    assert interval_name(count) == name
    (row,) = summary_of(each_seed(falling, range(10, 10 + count)))
    assert row["interval"] == name


@pytest.mark.parametrize("count", [6, 8, 9, 12, 17, 30])
def test_the_interval_has_its_nominal_coverage_for_a_skewed_distribution(count):
    # The true median of this log-normal distribution is 1.
    values = np.exp(np.random.default_rng(count).normal(scale=2, size=(400, count)))
    table = pl.concat(
        each_seed(lambda loss, **run: curve([loss], **run), row, hidden_nodes=index + 1)
        for index, row in enumerate(values)
    )
    rows = summary_of(table, "final_loss")
    covered = np.mean([row["low"] <= 1 <= row["high"] for row in rows])
    assert {row["interval"] for row in rows} == {"95 %"}
    assert covered >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 400)


def test_the_interval_of_many_seeds_excludes_the_extremes():
    (row,) = summary_of(each_seed(falling, range(10, 22)))  # of 12, the third from each end
    assert (row["low"], row["high"]) == pytest.approx((12, 19))


@pytest.mark.parametrize("count", [2, 5, 6, 9, 12, 40, 137, 2000])
def test_the_interval_is_that_of_the_binomial_distribution(count):
    (row,) = summary_of(
        each_seed(lambda loss, **run: curve([loss], **run), range(1, count + 1)), "final_loss"
    )
    index = max(int(stats.binom.ppf(0.025, count, 0.5)) - 1, 0)
    assert (row["low"], row["high"]) == (1 + index, count - index)


def test_one_seed_has_no_interval():
    (row,) = summary_of(falling(10))
    assert (row["median"], row["low"], row["high"]) == (pytest.approx(10), None, None)


def missing(count, reaching, stopped="budget"):
    runs = [curve([2.0, 1.5], seed=100 + seed, stopped=stopped) for seed in range(count)]
    return pl.concat([*runs, each_seed(falling, reaching)])


@pytest.mark.parametrize("stopped", ["budget", "diverged"])
def test_missed_and_diverged_runs_are_censored_not_dropped(stopped):
    # If the two were dropped, the median would be 11.
    (row,) = summary_of(missing(2, [10, 11, 12], stopped))
    assert row["median"] == pytest.approx(12)
    assert row["high"] is None
    assert row["low"] == pytest.approx(10)
    outcomes = {"budget": "missed", "diverged": "diverged"}
    counts = {key: row[key] for key in ("runs", "reached", "missed", "unknown", "diverged")}
    assert counts == {"runs": 5, "reached": 3, "missed": 0, "unknown": 0, "diverged": 0} | {
        outcomes[stopped]: 2
    }


def test_an_unknown_outcome_leaves_the_median_unknown():
    (row,) = summary_of(missing(1, [10, 11, 12], "target"))
    assert (row["median"], row["low"], row["high"]) == (None, None, None)
    assert (row["unknown"], row["missed"]) == (1, 0)


def test_targets_met_by_the_initial_weights_are_counted():
    (row,) = summary_of(each_seed(falling, [10, 11]), target=2.0)
    assert (row["initial"], row["reached"], row["runs"]) == (2, 0, 2)


@pytest.mark.parametrize(("missed", "reaching"), [(2, [10, 11]), (3, [10, 11])])
def test_without_a_majority_there_is_no_median(missed, reaching):
    (row,) = summary_of(missing(missed, reaching))
    assert row["median"] is None
    assert row["reached"] == 2


def test_flags_are_counted():
    table = pl.concat(
        [
            falling(10, seed=1, contended=True),
            falling(10, seed=2),
            falling(10, seed=3, stopped="diverged", contended=True),
        ]
    )
    (row,) = summary_of(table, "final_loss")
    assert (row["contended"], row["diverged"]) == (2, 1)
    # It had reached the target before it diverged.
    (row,) = summary_of(table)
    assert (row["contended"], row["diverged"], row["reached"]) == (2, 0, 3)


def test_machines_and_thread_counts_have_separate_rows():
    table = pl.concat(
        each_seed(falling, [steps, steps + 1], machine=machine, threads=threads)
        for steps, (machine, threads) in enumerate(itertools.product("AB", [1, 2]), 10)
    )
    rows = summary_of(table)
    assert [(row["machine"], row["threads"], row["median"]) for row in rows] == [
        ("A", 1, pytest.approx(10.5)),
        ("A", 2, pytest.approx(11.5)),
        ("B", 1, pytest.approx(12.5)),
        ("B", 2, pytest.approx(13.5)),
    ]


def test_configurations_may_have_different_numbers_of_seeds():
    table = pl.concat([each_seed(falling, [10, 12, 14]), falling(20, batch_size=64)])
    medians = [(row["batch_size"], row["median"], row["runs"]) for row in summary_of(table)]
    assert medians == [(32, pytest.approx(12), 3), (64, pytest.approx(20), 1)]


def costs(values, stopped):
    """Give the measures of runs; `stopped` has what a stopped run spent, None if it was not."""
    table = each_seed(falling, range(10, 10 + len(values)))
    measures = measured(table, {"loss": [1.0]}, "training").filter(measure="seconds").sort("seed")
    is_stopped = pl.Series([each is not None for each in stopped])
    return measures.with_columns(
        value=pl.when(is_stopped).then(None).otherwise(pl.Series(values, dtype=pl.Float64)),
        value_low=pl.when(is_stopped).then(None).otherwise(pl.Series(values, dtype=pl.Float64)),
        outcome=pl.when(is_stopped).then(pl.lit("stopped")).otherwise(pl.lit("reached")),
        spent=pl.Series([other or each for each, other in zip(values, stopped, strict=True)]),
    )


def test_what_runs_spent_is_below_a_median_that_is_not_known():
    (row,) = summary_of(missing(2, [1]))  # one step of 0.5 s each, in vain
    assert (row["median"], row["spent"], row["more_than"]) == (None, 1, None)
    (row,) = summary_of(missing(1, [1, 2]))
    assert (row["median"], row["spent"]) == (pytest.approx(2), None)
    (row,) = summary_of(missing(2, [1], stopped="diverged"))
    assert (row["median"], row["spent"]) == (None, None)
    (row,) = summary_of(missing(2, [1], stopped="target"))  # unknown
    assert (row["median"], row["spent"]) == (None, None)


@pytest.mark.parametrize(
    ("values", "stopped", "median", "more_than"),
    [
        ([1, 2, 9], [None, None, 3], 2, None),
        ([1, 9, 9], [None, 3, 3], None, 3),
        ([4, 5, 9], [None, None, 1], None, 4),  # its own may be anything above 1
        ([9, 9, 9], [3, 4, 5], None, 4),
        ([9], [3], None, 3),
        ([1, 9], [None, 3], None, 2),
    ],
)
def test_a_median_is_given_where_stopped_runs_cannot_change_it(values, stopped, median, more_than):
    (row,) = summarize(costs(values, stopped)).to_dicts()
    assert (row["median"], row["more_than"]) == (median, more_than)
    assert row["stopped"] == sum(each is not None for each in stopped)


def test_what_is_given_despite_stopped_runs_is_that_of_the_whole_runs():
    random = np.random.default_rng(7)
    for _ in range(200):
        values = random.uniform(1, 10, size=random.integers(1, 8)).tolist()
        caps = [random.uniform(0.5, each) if random.random() < 0.4 else None for each in values]
        (known,) = summarize(costs(values, caps)).to_dicts()
        (whole,) = summarize(costs(values, [None] * len(values))).to_dicts()
        for name in ("median", "median_low", "low", "high"):
            assert known[name] in (None, whole[name])
        if known["more_than"] is not None:
            assert known["median"] is None
            assert known["more_than"] <= whole["median"]
        elif any(caps):
            assert known["median"] == whole["median"]
