"""Simultaneous comparisons: by simulation, and compared with plain loops and SciPy."""

import numpy as np
import pytest
from scipy import stats

from batch_race.analyze.contrasts import contrasts, critical_value, ragged_contrasts
from benchmarks.verdicts import SCENARIOS, false_verdicts, power

SIMULATIONS = 1000


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize(("sizes", "rates", "seeds"), [(4, 1, 2), (8, 1, 3), (8, 3, 3), (8, 1, 10)])
def test_the_error_rate_per_target_is_at_most_5_percent(name, sizes, rates, seeds):
    # Pairwise t tests at 95 % have an error rate per target of 17 to 37 % with equal noise.
    _, any_false = false_verdicts(SCENARIOS[name], sizes, rates, seeds, SIMULATIONS)
    assert any_false <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / SIMULATIONS)


def test_three_times_the_noise_in_one_batch_size_keeps_the_error_rate():
    # A critical value for equal noise alone has an error rate of 7 %.
    _, any_false = false_verdicts(SCENARIOS["one × 3"], 4, 1, 2, 10_000)
    assert any_false <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 10_000)


def test_the_power_is_high():
    assert power(1.3, 0.05, 4, 1, 3, SIMULATIONS) > 0.8
    assert power(2, 0.15, 8, 3, 5, SIMULATIONS) > 0.9


@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_the_critical_value_of_two_batch_sizes_is_near_students_t(seeds):
    exact = stats.t.ppf(0.975, seeds - 1)
    assert exact < critical_value((1, 1), seeds) < 1.12 * exact


def all_reached(winner, log_times, counts):
    """Compare configurations whose runs all reached the target."""
    return contrasts(winner, log_times, np.zeros(log_times.shape), counts)


def plain_noise(log_times):
    """Compute with loops the variance of each configuration's difference to the fastest ones."""
    count = len(log_times)
    fast = np.argsort(log_times.mean(axis=1))[: max(4, (count + 1) // 2)]
    return [
        np.mean([np.var(log_times[i] - log_times[j], ddof=1) for j in fast if j != i])
        for i in range(count)
    ]


def test_differences_and_margins_equal_those_of_plain_loops():
    scale = np.linspace(0.1, 1, 11)[:, None]
    random = np.random.default_rng(0)
    log_times = random.normal(size=(11, 3)) * scale + random.normal(size=(1, 3))
    counts = (2, 1, 3, 2, 3)
    for winner in (0, 10):
        found = all_reached(winner, log_times, counts)
        differences = [np.mean(each - log_times[winner]) for each in log_times]
        noise = plain_noise(log_times)
        margins = [
            critical_value(counts, 3) * np.sqrt(max(each, noise[winner]) / 3) for each in noise
        ]
        assert found.difference == pytest.approx(differences)
        assert found.margin == pytest.approx(margins)


@pytest.mark.parametrize("noise", [1, 3])
def test_the_intervals_of_any_winner_cover_the_true_ratios_simultaneously(noise):
    random = np.random.default_rng(0)
    truth = np.array([0, 2, 5, 0, 0, 1, 3, 3])
    scale = np.array([noise, 1, 1, 1, noise, 1, 1, 1])
    draws = random.normal(size=(SIMULATIONS, 8, 3)) * scale[:, None] + truth[:, None]
    best = [0, 3, 4, 6]  # of each batch size
    wrong = np.zeros(SIMULATIONS, dtype=bool)
    for winner in best:
        found = all_reached(np.full(SIMULATIONS, winner), draws, [2, 2, 2, 2])
        off = np.abs(found.difference - (truth - truth[winner])) - found.margin
        wrong |= (off[:, best] > 0).any(axis=1)
    assert wrong.mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / SIMULATIONS)


def test_several_tables_equal_each_table_by_itself():
    log_times = np.random.default_rng(0).normal(size=(3, 6, 4))
    winners = np.array([1, 5, 0])
    together = all_reached(winners, log_times, [2, 2, 2])
    for index, (winner, table) in enumerate(zip(winners, log_times, strict=True)):
        for several, one in zip(together, all_reached(winner, table, [2, 2, 2]), strict=True):
            assert several[index] == pytest.approx(one)


def test_an_effect_of_a_seed_on_all_cancels():
    random = np.random.default_rng(0)
    log_times, shift = random.normal(size=(6, 4)), random.normal(scale=5, size=(1, 4))
    for plain, shifted in zip(
        all_reached(0, log_times, [1] * 6), all_reached(0, log_times + shift, [1] * 6), strict=True
    ):
        assert shifted == pytest.approx(plain)


def test_noise_of_slow_batch_sizes_hides_no_difference_among_fast_ones():
    random = np.random.default_rng(0)
    log_times = random.normal(scale=0.02, size=(8, 3)) + np.array([[0, 0.4] + [0.5] * 6]).T
    quiet = all_reached(0, log_times, [1] * 8)
    log_times[6:] = random.normal(scale=2, size=(2, 3)) + 5
    noisy = all_reached(0, log_times, [1] * 8)
    assert quiet.difference[1] > quiet.margin[1]
    assert noisy.difference[1] > noisy.margin[1]


def test_a_missed_run_counts_with_the_time_of_the_whole_run():
    log_times = np.array([[0.0, 0.1, 0.2], [1.0, 1.2, np.inf], [0.5, np.inf, np.inf]])
    given = np.full(log_times.shape, 3.0)
    given[2] = 0.6
    found = contrasts(0, log_times, given, [1, 1, 1])
    assert found.difference == pytest.approx(
        [0, (1 + 1.2 + 3) / 3 - 0.1, (0.5 + 0.6 + 0.6) / 3 - 0.1]
    )
    # If it is the winner's, it limits all times, so that no other seems slower.
    found = contrasts(2, log_times, given, [1, 1, 1])
    cut = np.minimum(log_times, [[0.6] * 3, [0.6] * 3, [0.6] * 3]).mean(axis=1)
    assert found.difference == pytest.approx(cut - cut[2])


def test_censored_times_do_not_estimate_noise():
    random = np.random.default_rng(0)
    log_times = random.normal(size=(8, 3))
    # As many again with short runs: they would seem the fastest, without noise.
    more = np.vstack([log_times, np.full((8, 3), np.inf)])
    found = contrasts(0, more, np.full(more.shape, -9.0), [1] * 16)
    everyone = [np.var(log_times[0] - each, ddof=1) for each in log_times[1:]]
    assert found.margin[0] == pytest.approx(
        critical_value((1,) * 16, 3) * np.sqrt(np.mean(everyone) / 3)
    )


def complete(random, n_seeds=4):
    log_times = np.arange(6)[:, None] * 0.1 + random.normal(scale=0.05, size=(6, n_seeds))
    return log_times, log_times + 1, [1, 1, 32, 32, 128, 512]


def test_without_gaps_a_ragged_comparison_is_the_usual_one():
    log_times, log_given, sizes = complete(np.random.default_rng(1))
    usual = contrasts(2, log_times, log_given, [2, 2, 1, 1])
    for found, expected in zip(
        ragged_contrasts(2, log_times, log_given, sizes), usual, strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_fewer_seeds_are_compared_where_they_are_shared_with_a_larger_margin():
    log_times, log_given, sizes = complete(np.random.default_rng(2))
    keep = [0, 1, 2, 4]
    log_times[[3, 5], 1:] = log_given[[3, 5], 1:] = np.nan
    difference, margin = ragged_contrasts(0, log_times, log_given, sizes)
    block = contrasts(0, log_times[keep], log_given[keep], [2, 1, 1])
    np.testing.assert_array_equal(difference[keep], block.difference)
    np.testing.assert_array_equal(margin[keep], block.margin)
    np.testing.assert_allclose(difference[[3, 5]], (log_times - log_times[0])[[3, 5], 0])
    np.testing.assert_allclose(margin[[3, 5]], 3 * 2 * block.margin.max())


def test_a_stopped_run_of_few_seeds_counts_with_what_it_spent():
    log_times, log_given, sizes = complete(np.random.default_rng(3))
    log_times[5] = [np.inf, *(np.nan,) * 3]
    log_given[5] = [0.7, *(np.nan,) * 3]
    difference, _ = ragged_contrasts(0, log_times, log_given, sizes)
    assert difference[5] == pytest.approx(0.7 - log_times[0, 0])


def test_seeds_that_the_winner_lacks_are_no_part_of_a_comparison():
    log_times, log_given, sizes = complete(np.random.default_rng(4))
    log_times[0, 3] = log_given[0, 3] = np.nan
    usual = contrasts(0, log_times[:, :3], log_given[:, :3], [2, 2, 1, 1])
    found = ragged_contrasts(0, log_times, log_given, sizes)
    np.testing.assert_array_equal(found.margin, usual.margin)
    log_times[5, :3] = log_given[5, :3] = np.nan
    assert np.isnan(ragged_contrasts(0, log_times, log_given, sizes).difference[5])


def test_one_batch_size_alone_with_all_seeds_shows_nothing():
    log_times, log_given, sizes = complete(np.random.default_rng(5))
    log_times[2:, 1:] = log_given[2:, 1:] = np.nan
    assert np.isinf(ragged_contrasts(0, log_times, log_given, sizes).margin[1:]).all()


def test_a_higher_level_has_a_larger_critical_value():
    values = [critical_value((1,) * 4, 3, level) for level in (0.95, 0.96, 0.995)]
    assert values == sorted(set(values))
