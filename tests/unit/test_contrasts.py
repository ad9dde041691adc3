"""Simultaneous comparisons: by simulation, and against plain loops and SciPy."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.verdicts import SCENARIOS, false_verdicts, power
from workflow.scripts.common.contrasts import contrasts, critical_value

SIMULATIONS = 1000


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize(("sizes", "rates", "seeds"), [(4, 1, 2), (8, 1, 3), (8, 3, 3), (8, 1, 10)])
def test_any_false_verdict_in_a_question_is_rare(name, sizes, rates, seeds):
    # A t test of each pair at 95 % is wrong in 17 to 37 % of the questions with equal noise.
    _, any_in_question = false_verdicts(SCENARIOS[name], sizes, rates, seeds, SIMULATIONS)
    assert any_in_question <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / SIMULATIONS)


def test_three_times_the_noise_in_one_batch_size_is_allowed_for():
    # A critical value for equal noise alone would be wrong in 7 % of the questions.
    _, any_in_question = false_verdicts(SCENARIOS["one × 3"], 4, 1, 2, 10_000)
    assert any_in_question <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 10_000)


def test_a_difference_is_found():
    assert power(1.3, 0.05, 4, 1, 3, SIMULATIONS) > 0.8
    assert power(2, 0.15, 8, 3, 5, SIMULATIONS) > 0.9


@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_of_two_batch_sizes_the_critical_value_is_that_of_student(seeds):
    exact = stats.t.ppf(0.975, seeds - 1)
    assert exact < critical_value((1, 1), seeds) < 1.12 * exact


def plain_bounds(log_times, batch):
    """Compute the lower bounds with loops."""
    sizes = sorted(set(batch))
    rates = tuple(batch.count(size) for size in sizes)
    count, seeds = log_times.shape
    means = log_times.mean(axis=1)
    fast = sorted(range(count), key=means.__getitem__)[: max(4, (count + 1) // 2)]
    noise = [
        np.mean([np.var(log_times[i] - log_times[j], ddof=1) for j in fast if j != i])
        for i in range(count)
    ]
    critical = critical_value(rates, seeds)

    def lower(i, j):
        return means[i] - means[j] - critical * np.sqrt(max(noise[i], noise[j]) / seeds)

    def members(size):
        return [place for place in range(count) if batch[place] == size]

    return [
        [min(max(lower(i, j) for j in members(w)) for i in members(b)) for w in sizes]
        for b in sizes
    ]


def test_the_bounds_are_those_of_plain_loops():
    batch = [0, 0, 1, 2, 2, 2, 3, 3, 4, 4, 4]
    scale = np.linspace(0.1, 1, len(batch))[:, None]
    random = np.random.default_rng(0)
    log_times = random.normal(size=(len(batch), 3)) * scale + random.normal(size=(1, 3))
    found = contrasts(log_times, [2, 1, 3, 2, 3])
    assert found.low == pytest.approx(np.array(plain_bounds(log_times, batch)))
    assert found.high == pytest.approx(-found.low.T)
    best = [log_times.mean(axis=1)[np.equal(batch, size)].min() for size in range(5)]
    assert found.estimate == pytest.approx(np.subtract.outer(best, best))


@pytest.mark.parametrize("noise", [1, 3])
def test_the_intervals_of_all_pairs_hold_the_true_ratios_at_once(noise):
    random = np.random.default_rng(0)
    truth = np.array([0, 2, 5, 0, 0, 1, 3, 3])
    scale = np.array([noise, 1, 1, 1, noise, 1, 1, 1])
    draws = random.normal(size=(SIMULATIONS, 8, 3)) * scale[:, None] + truth[:, None]
    found = contrasts(draws, [2, 2, 2, 2])
    best = truth.reshape(4, 2).min(axis=1)
    ratios = np.subtract.outer(best, best)
    held = ((found.low <= ratios) & (ratios <= found.high)).all(axis=(1, 2))
    assert held.mean() >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / SIMULATIONS)


def test_many_tables_at_once_are_as_each_alone():
    log_times = np.random.default_rng(0).normal(size=(3, 6, 4))
    together = contrasts(log_times, [2, 2, 2])
    for place, table in enumerate(log_times):
        for several, one in zip(together, contrasts(table, [2, 2, 2]), strict=True):
            assert several[place] == pytest.approx(one)


def test_a_seed_that_slows_all_changes_nothing():
    random = np.random.default_rng(0)
    log_times, shift = random.normal(size=(6, 4)), random.normal(scale=5, size=(1, 4))
    for plain, shifted in zip(
        contrasts(log_times, [1] * 6), contrasts(log_times + shift, [1] * 6), strict=True
    ):
        assert shifted == pytest.approx(plain)


def test_a_noisy_slow_batch_size_hides_no_difference_among_the_fast():
    random = np.random.default_rng(0)
    log_times = random.normal(scale=0.02, size=(8, 3)) + np.array([[0, 0.4] + [0.5] * 6]).T
    found = contrasts(log_times, [1] * 8)
    log_times[6:] = random.normal(scale=2, size=(2, 3)) + 5
    assert found.low[1, 0] > 0
    assert contrasts(log_times, [1] * 8).low[1, 0] > 0
