"""What several seeds say together, against exact enumeration and SciPy's own tests."""

import itertools

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tests.curves import curve, each_seed, falling
from workflow.scripts.common.measures import per_run
from workflow.scripts.common.statistics import paired_ratio, summarize


def summary_of(table, measure="steps", target=1.0):
    summary = summarize(per_run(table, {"loss": [target]}, "training"))
    return summary.filter(measure=measure).to_dicts()


def test_the_median_of_three_seeds_lies_between_their_extremes():
    # Of the 27 resamples of three values, 7 have the least as their median and 7 the greatest.
    (row,) = summary_of(each_seed(falling, [12, 10, 11]))
    assert (row["median"], row["low"], row["high"]) == pytest.approx((11, 10, 12))
    assert (row["runs"], row["reached"]) == (3, 3)


def test_the_interval_is_that_of_all_possible_resamples():
    steps = [10, 11, 13, 14, 18, 19, 25]
    (row,) = summary_of(each_seed(falling, steps))
    medians = np.median(list(itertools.product(steps, repeat=7)), axis=1)
    assert (row["low"], row["high"]) == pytest.approx(tuple(np.quantile(medians, [0.025, 0.975])))


def test_an_interval_covers_what_it_should():
    # Medians of 30 normal numbers; the percentile bootstrap is known to fall a little short.
    rng = np.random.default_rng(1)
    covered = 0
    values = 10 + rng.normal(size=(300, 30))
    table = pl.concat(
        each_seed(lambda loss, **run: curve([loss], **run), row, hidden_nodes=place + 1)
        for place, row in enumerate(values)
    )
    for row in summary_of(table, "final_loss"):
        covered += row["low"] <= 10 <= row["high"]
    assert 0.91 <= covered / 300 <= 0.98


def test_one_seed_has_no_interval():
    (row,) = summary_of(falling(10))
    assert (row["median"], row["low"], row["high"]) == (pytest.approx(10), None, None)


def missing(count, reaching):
    runs = [curve([2.0, 1.5], seed=100 + seed) for seed in range(count)]
    return pl.concat([*runs, each_seed(falling, reaching)])


def test_runs_that_miss_are_censored_not_dropped():
    # Dropped, the two that missed would leave a median of 11.
    (row,) = summary_of(missing(2, [10, 11, 12]))
    assert row["median"] == pytest.approx(12)
    assert row["high"] is None
    assert row["low"] == pytest.approx(10)
    assert (row["runs"], row["reached"]) == (5, 3)


@pytest.mark.parametrize(("missed", "reaching"), [(2, [10, 11]), (3, [10, 11])])
def test_without_a_majority_there_is_no_median(missed, reaching):
    (row,) = summary_of(missing(missed, reaching))
    assert row["median"] is None
    assert row["reached"] == 2


def test_marks_are_counted():
    table = pl.concat(
        [
            falling(10, seed=1, contended=True),
            falling(10, seed=2),
            falling(10, seed=3, stopped="diverged", contended=True),
        ]
    )
    (row,) = summary_of(table)
    assert (row["contended"], row["diverged"]) == (2, 1)


def test_machines_and_thread_counts_are_never_mixed():
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


def test_the_ratio_of_pairs_is_that_of_the_paired_t_test():
    times, others = [1.0, 2.0, 4.0, 3.0], [1.5, 2.9, 6.5, 4.1]
    interval = stats.ttest_rel(np.log(others), np.log(times)).confidence_interval(0.95)
    ratio, low, high = paired_ratio(times, others)
    assert ratio == pytest.approx(stats.gmean(np.divide(others, times)))
    assert (low, high) == pytest.approx((np.exp(interval.low), np.exp(interval.high)))


def test_equal_ratios_leave_no_doubt():
    assert paired_ratio([1.0, 2.0], [2.0, 4.0]) == pytest.approx((2, 2, 2))


def test_one_pair_says_nothing_of_chance():
    assert paired_ratio([1.0], [3.0]) == (pytest.approx(3), None, None)
