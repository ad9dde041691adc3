"""The law of steps and batch size, on curves that follow it, and on some that do not."""

import itertools

import numpy as np
import polars as pl
import pytest

from tests.curves import each_seed, falling
from workflow.scripts.common import words
from workflow.scripts.common.measures import per_run
from workflow.scripts.common.scaling import fit, forecast, foretell, step_seconds
from workflow.scripts.common.statistics import summarize

SIZES = [1, 4, 16, 64, 256, 1024, 4096]


def law(sizes, s_min=100.0, b_crit=64.0):
    return s_min * (1 + b_crit / np.asarray(sizes, dtype=float))


def test_an_exact_law_is_found():
    found = fit(SIZES, law(SIZES))
    assert found.interval(0)[0] == pytest.approx(100, rel=1e-4)
    assert found.interval(1)[0] == pytest.approx(64, rel=1e-4)
    assert found.worst_factor == pytest.approx(1, abs=1e-4)
    assert found.verdict == "good"


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    held = []
    for _ in range(200):
        found = fit(SIZES, law(SIZES) * np.exp(rng.normal(scale=0.1, size=len(SIZES))))
        for place, truth in enumerate((100, 64)):
            _, low, high = found.interval(place)
            held.append(low <= truth <= high)
    assert 0.92 <= np.mean(held) <= 0.98


def test_steps_that_rise_again_are_no_good_fit():
    found = fit(SIZES, [1000, 300, 100, 100, 100, 300, 1000])
    assert found.verdict == "bad"


def test_without_a_bend_the_critical_batch_size_is_not_known():
    rng = np.random.default_rng(0)
    for steps in (1e6 / np.asarray(SIZES), np.full(len(SIZES), 50.0)):
        noisy = steps * np.exp(rng.normal(scale=0.05, size=len(SIZES)))
        assert fit(SIZES, noisy).verdict == "open"


def test_a_step_takes_what_was_measured_and_between_that_the_power_law():
    seconds_of = step_seconds([1, 10, 100], [1e-5, 1e-5, 1e-3])
    assert seconds_of(np.array([1.0, 10, 100])) == pytest.approx([1e-5, 1e-5, 1e-3])
    assert seconds_of(np.array([10**1.5])) == pytest.approx([1e-4])


@pytest.mark.parametrize(("workers", "cost"), list(itertools.product([1, 4, 64], [0, 1e-4])))
def test_the_best_batch_size_is_that_of_the_formula(workers, cost):
    def seconds_of(sizes):
        return 1e-5 + 2e-6 * sizes

    sizes = np.arange(1.0, 5000)
    found = forecast(fit(SIZES, law(SIZES)), seconds_of, sizes, workers, cost)
    # The derivative of (1 + C / B) (a + b B / N) is zero where B² = C a N / b.
    expected = np.sqrt(64 * (1e-5 + cost) * workers / 2e-6)
    assert found["batch_size"] == pytest.approx(expected, abs=1)
    seconds = 100 * (1 + 64 / expected) * (1e-5 + cost + 2e-6 * expected / workers)
    assert found["seconds"] == pytest.approx(seconds, rel=1e-3)


def foretold(steps_of, sizes=SIZES, workers=(1, 8), costs=(0, 1e-3), **run):
    table = pl.concat(
        each_seed(falling, [steps_of(size)] * 2, batch_size=size, step_seconds=1e-4, **run)
        for size in sizes
    )
    summary = summarize(per_run(table, {"loss": [1.0]}, "training"))
    return foretell(summary, workers, costs)


def test_a_sweep_foretells_what_workers_would_do():
    (found,) = foretold(law)
    assert found["verdict"] == "good"
    assert found["b_crit"] == pytest.approx(64, rel=0.01)
    asked = [(each["workers"], each["communication_seconds"]) for each in found["forecasts"]]
    assert asked == [(1, 0), (1, 1e-3), (8, 0), (8, 1e-3)]
    # All steps take the same here, so the largest batch is the best one, and needs S_min.
    assert found["forecasts"][0]["batch_size"] == 4096
    assert found["forecasts"][0]["seconds"] == pytest.approx(law(4096) * 1e-4, rel=0.01)
    said = words.law([found]).splitlines()
    assert said[0].startswith(
        "To loss 1 on mnist: steps = S_min (1 + B_crit / batch size), S_min 100 ["
    )
    assert "1 worker, no communication: batch 4096 [4096, 4096], 0.0102 [" in said[1]
    assert "8 workers, 1000 µs of communication a step: batch " in said[4]


def test_a_bad_fit_foretells_nothing():
    (found,) = foretold(lambda size: 100 + abs(size - 64))
    assert (found["verdict"], found["forecasts"]) == ("bad", [])
    assert words.law([found]).endswith("no good fit, so nothing is foretold from it.\n")


def test_few_batch_sizes_are_not_fitted():
    (found,) = foretold(law, sizes=[1, 4, 16])
    assert found["verdict"] == "too few"
    assert words.law([found]) == (
        "To loss 1 on mnist: 3 batch sizes reached it, too few to fit the steps against the batch "
        "size (4 are needed).\n"
    )
