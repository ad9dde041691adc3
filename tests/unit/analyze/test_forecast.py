"""Forecasts for other machines, compared with formulas."""

import itertools

import numpy as np
import pytest

from batch_race.analyze.forecast import fastest_batch_size, step_seconds
from batch_race.analyze.law import fit
from tests.curves import each_seed, falling
from tests.unit.analyze.sweeps import SIZES, forecasts, law


def test_the_time_of_a_step_is_interpolated_between_logarithms():
    seconds_of = step_seconds([1, 10, 100], [1e-5, 1e-5, 1e-3])
    assert seconds_of(np.array([1.0, 10, 100])) == pytest.approx([1e-5, 1e-5, 1e-3])
    assert seconds_of(np.array([10**1.5])) == pytest.approx([1e-4])


@pytest.mark.parametrize(("workers", "cost"), list(itertools.product([1, 4, 64], [0, 1e-4])))
def test_the_fastest_batch_size_is_that_of_the_formula(workers, cost):
    def seconds_of(sizes):
        return 1e-5 + 2e-6 * sizes

    sizes = np.arange(1.0, 5000)
    found = fastest_batch_size(fit(SIZES, law(SIZES)), seconds_of, sizes, workers, cost)
    # The derivative of (1 + C / B) (a + b B / N) is zero where B² = C a N / b.
    expected = np.sqrt(64 * (1e-5 + cost) * workers / 2e-6)
    assert found["batch_size"] == pytest.approx(expected, abs=1)
    seconds = 100 * (1 + 64 / expected) * (1e-5 + cost + 2e-6 * expected / workers)
    assert found["seconds"] == pytest.approx(seconds, rel=1e-3)


def test_a_sweep_is_fitted_and_forecast_from():
    (found,) = forecasts(law)
    assert found["verdict"] == "good"
    assert found["b_crit"] == pytest.approx(64, rel=0.01)
    asked = [(each["workers"], each["communication_seconds"]) for each in found["forecasts"]]
    assert asked == [(1, 0), (1, 1e-3), (8, 0), (8, 1e-3)]
    # All steps take the same here, so the largest batch size is the fastest, and needs S_min.
    assert found["forecasts"][0]["batch_size"] == 4096
    assert found["forecasts"][0]["seconds"] == pytest.approx(law(4096) * 1e-4, rel=0.01)


def test_an_optimum_at_an_end_is_flagged():
    law_found = fit(SIZES, law(SIZES))
    sizes = np.arange(1.0, 4096)
    ends = {
        fastest_batch_size(law_found, lambda sizes, power=power: 1e-5 * sizes**power, sizes, 1, 0)[
            "end"
        ]
        for power in (0, 0.5, 2)
    }
    assert ends == {"largest", None, "smallest"}


def test_an_open_fit_has_forecasts():
    (found,) = forecasts(lambda size: 50_000 / size * (1.02 if size % 3 else 0.97))
    assert (found["verdict"], found["b_crit_high"], found["s_min_low"]) == ("open", None, None)
    assert found["forecasts"]


def test_the_time_of_a_step_is_that_of_the_best_learning_rate():
    # At another learning rate, which needs more steps, each takes ten times as long.
    more = [
        each_seed(
            falling,
            [2 * law(size)] * 2,
            batch_size=size,
            step_seconds=1e-3,
            learning_rate=0.1,
        )
        for size in SIZES
    ]
    (found,) = forecasts(law, more=more)
    assert found["forecasts"][0]["seconds"] == pytest.approx(law(4096) * 1e-4, rel=0.01)
    assert found["step_time"]["factor"] == pytest.approx(10)


def test_a_target_met_by_the_initial_weights_is_counted():
    (found,) = forecasts(law, target=2.5)
    assert found["initial"] == 14


def test_a_bad_fit_has_no_forecast():
    (found,) = forecasts(lambda size: 100 + abs(size - 64))
    assert (found["verdict"], found["forecasts"]) == ("bad", [])


def test_too_few_batch_sizes_are_not_fitted():
    (found,) = forecasts(law, sizes=[1, 4, 16])
    assert (found["verdict"], found["forecasts"]) == ("too few", [])
