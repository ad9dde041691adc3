"""The law of steps and batch size, on steps that follow it, and on some that do not."""

import numpy as np
import pytest
from scipy import optimize, stats

from batch_race.analyze.law import fit
from benchmarks.forecast_coverage import NOISES, coverage
from tests.unit.analyze.sweeps import SIZES, law


def test_an_exact_law_is_found():
    found = fit(SIZES, law(SIZES))
    assert found.s_min == pytest.approx((100, 100, 100), rel=1e-4)
    assert found.b_crit == pytest.approx((64, 64, 64), rel=1e-4)
    assert found.worst_factor == pytest.approx(1, abs=1e-4)
    assert found.verdict == "good"


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("sizes", [[1, 32, 128, 60_000], [1, 8, 32, 128, 1024], SIZES])
def test_intervals_have_their_nominal_coverage(sizes, noise):
    simulations = 150
    found = coverage(sizes, 1000, NOISES[noise], simulations)
    # Intervals from normal draws, which treat the noise as known, cover 76 to 89 %.
    assert min(found[:4]) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / simulations)
    assert found.all_at_once >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / simulations)


def test_the_region_equals_that_of_a_grid_search():
    steps = law(SIZES) * [1.1, 0.95, 1.0, 1.08, 0.9, 1.03, 0.97]

    def squares(s_min, b_crit):
        return np.sum(np.log(law(SIZES, s_min, b_crit) / steps) ** 2)

    found = fit(SIZES, steps)
    least = optimize.minimize(lambda x: squares(*np.exp(x)), np.log([100, 64]), tol=1e-12).fun
    most = least * (1 + 2 / 5 * stats.f.ppf(0.95, 2, 5))
    grid = [(s, b) for s in np.linspace(80, 130, 401) for b in np.linspace(30, 110, 401)]
    inside = np.array([pair for pair in grid if squares(*pair) <= most])
    assert found.s_min[1:] == pytest.approx((inside[:, 0].min(), inside[:, 0].max()), rel=0.01)
    assert found.b_crit[1:] == pytest.approx((inside[:, 1].min(), inside[:, 1].max()), rel=0.01)


def test_steps_that_rise_again_are_a_bad_fit():
    found = fit(SIZES, [1000, 300, 100, 100, 100, 300, 1000])
    assert found.verdict == "bad"


def test_without_a_bend_b_crit_is_not_known():
    rng = np.random.default_rng(0)
    for steps, end in ((1e6 / np.asarray(SIZES), 1), (np.full(len(SIZES), 50.0), 0)):
        found = fit(SIZES, steps * np.exp(rng.normal(scale=0.05, size=len(SIZES))))
        assert found.verdict == "open"
        assert found.b_crit[1 + end] is None
        assert found.b_crit[2 - end] is not None
        assert (found.s_min[1] is None) == (end == 1)
