"""The law of steps and batch size, on curves that follow it, and on some that do not."""

import itertools

import numpy as np
import polars as pl
import pytest
from scipy import optimize, stats

from batch_race.analyze.forecast import forecast, foretell, step_seconds
from batch_race.analyze.law import fit
from batch_race.analyze.statistics import summarize
from batch_race.analyze.step_times import learning_rate_effect
from batch_race.report import messages
from benchmarks.forecast_coverage import NOISES, coverage
from tests.curves import curve, each_seed, falling, measured

SIZES = [1, 4, 16, 64, 256, 1024, 4096]


def law(sizes, s_min=100.0, b_crit=64.0):
    return s_min * (1 + b_crit / np.asarray(sizes, dtype=float))


def test_an_exact_law_is_found():
    found = fit(SIZES, law(SIZES))
    assert found.s_min == pytest.approx((100, 100, 100), rel=1e-4)
    assert found.b_crit == pytest.approx((64, 64, 64), rel=1e-4)
    assert found.worst_factor == pytest.approx(1, abs=1e-4)
    assert found.verdict == "good"


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("sizes", [[1, 32, 128, 60_000], [1, 8, 32, 128, 1024], SIZES])
def test_intervals_hold_the_truth_as_often_as_they_say(sizes, noise):
    simulations = 150
    found = coverage(sizes, 1000, NOISES[noise], simulations)
    # Normal draws, as if the noise were known, hold it in 76 to 89 %.
    assert min(found[:4]) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / simulations)
    assert found.all_at_once >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / simulations)


def test_the_region_is_that_of_the_sum_of_squares():
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


def test_steps_that_rise_again_are_no_good_fit():
    found = fit(SIZES, [1000, 300, 100, 100, 100, 300, 1000])
    assert found.verdict == "bad"


def test_without_a_bend_the_critical_batch_size_is_not_known():
    rng = np.random.default_rng(0)
    for steps, end in ((1e6 / np.asarray(SIZES), 1), (np.full(len(SIZES), 50.0), 0)):
        found = fit(SIZES, steps * np.exp(rng.normal(scale=0.05, size=len(SIZES))))
        assert found.verdict == "open"
        assert found.b_crit[1 + end] is None
        assert found.b_crit[2 - end] is not None
        assert (found.s_min[1] is None) == (end == 1)


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


def foretold(steps_of, sizes=SIZES, workers=(1, 8), costs=(0, 1e-3), target=1.0, more=()):
    table = pl.concat(
        [
            each_seed(falling, [steps_of(size)] * 2, batch_size=size, step_seconds=1e-4)
            for size in sizes
        ]
        + list(more)
    )
    measures = measured(table, {"loss": [target]}, "training")
    return foretell(measures, summarize(measures), workers, costs)


def test_a_sweep_foretells_what_workers_would_do():
    (found,) = foretold(law)
    assert found["verdict"] == "good"
    assert found["b_crit"] == pytest.approx(64, rel=0.01)
    asked = [(each["workers"], each["communication_seconds"]) for each in found["forecasts"]]
    assert asked == [(1, 0), (1, 1e-3), (8, 0), (8, 1e-3)]
    # All steps take the same here, so the largest batch is the best one, and needs S_min.
    assert found["forecasts"][0]["batch_size"] == 4096
    assert found["forecasts"][0]["seconds"] == pytest.approx(law(4096) * 1e-4, rel=0.01)
    said = messages.law([found]).splitlines()
    assert said[0].startswith(
        "To loss 1 on mnist: steps = S_min (1 + B_crit / batch size), S_min 100 ["
    )
    assert said[1] == "  In brackets: 95 % for all of this paragraph at once, if the law holds."
    assert said[2].startswith("  Whether a step's time depends on the learning rate is not known")
    assert (
        "1 worker, no communication: batch 4096 [4096, 4096] (the largest considered), "
        "0.0102 [" in said[3]
    )
    assert "8 workers, 1000 µs of communication a step: batch " in said[6]


def test_an_optimum_at_an_end_is_called_so():
    law_found = fit(SIZES, law(SIZES))
    sizes = np.arange(1.0, 4096)
    ends = {
        forecast(law_found, lambda sizes, power=power: 1e-5 * sizes**power, sizes, 1, 0)["end"]
        for power in (0, 0.5, 2)
    }
    assert ends == {"largest", None, "smallest"}


def test_where_the_bend_is_not_known_a_forecast_is_wide_but_made():
    (found,) = foretold(lambda size: 50_000 / size * (1.02 if size % 3 else 0.97))
    assert (found["verdict"], found["b_crit_high"], found["s_min_low"]) == ("open", None, None)
    assert found["forecasts"]
    assert "do not bracket B_crit" in messages.law([found])


def test_a_step_takes_what_it_took_the_runs_whose_steps_count():
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
    (found,) = foretold(law, more=more)
    assert found["forecasts"][0]["seconds"] == pytest.approx(law(4096) * 1e-4, rel=0.01)
    assert found["step_time"]["factor"] == pytest.approx(10)


def speeds(*by_rate):
    """Make the measures of a sweep of batch size 32, whose steps take so many seconds."""
    return measured(
        pl.concat(
            each_seed(
                lambda seconds, **run: curve([2.0, 1.0], step_seconds=seconds, **run),
                seconds,
                learning_rate=0.01 * (place + 1),
            )
            for place, seconds in enumerate(by_rate)
        ),
        {},
        "training",
    )


def test_whether_a_steps_time_depends_on_the_learning_rate_is_tested():
    alike = [[1.0, 1.05, 0.98], [1.02, 0.97, 1.01], [0.99, 1.03, 1.0]]
    found = learning_rate_effect(speeds(*alike))
    assert found["p_value"] == pytest.approx(stats.f_oneway(*np.log(alike)).pvalue)
    assert found["p_value"] > 0.05
    assert "which may be chance" in messages.law([foretold(law)[0] | {"step_time": found}])
    other = [*alike[:2], [1.4, 1.45, 1.38]]
    found = learning_rate_effect(speeds(*other))
    means = stats.gmean(other, axis=1)
    assert found["factor"] == pytest.approx(means.max() / means.min())
    assert found["p_value"] < 0.001
    assert "which is more than chance" in messages.law([foretold(law)[0] | {"step_time": found}])


def test_one_seed_cannot_tell_it_from_chance_and_one_rate_says_nothing():
    found = learning_rate_effect(speeds([1.0], [1.1]))
    assert (found["factor"], found["p_value"]) == (pytest.approx(1.1), None)
    assert learning_rate_effect(speeds([1.0, 1.1])) is None


@pytest.mark.parametrize("disturbance", [{"contended": True}, {"stopped": "diverged"}])
def test_a_disturbed_run_says_nothing_of_a_steps_time(disturbance):
    slow = curve([2.0, 1.0], step_seconds=9.0, learning_rate=0.01, seed=9, **disturbance)
    table = [[1.0, 1.05, 0.98], [1.02, 0.97, 1.01]]
    with_it = learning_rate_effect(pl.concat([speeds(*table), measured(slow, {}, "training")]))
    assert with_it == learning_rate_effect(speeds(*table))


def test_a_target_that_the_initial_weights_meet_is_no_race():
    (found,) = foretold(law, target=2.5)
    assert messages.law([found]) == (
        "To loss 2.5 on mnist: no race, the initial weights meet it (14 runs).\n"
    )


def test_a_bad_fit_foretells_nothing():
    (found,) = foretold(lambda size: 100 + abs(size - 64))
    assert (found["verdict"], found["forecasts"]) == ("bad", [])
    assert messages.law([found]).endswith("no good fit, so nothing is foretold from it.\n")


def test_few_batch_sizes_are_not_fitted():
    (found,) = foretold(law, sizes=[1, 4, 16])
    assert found["verdict"] == "too few"
    assert messages.law([found]) == (
        "To loss 1 on mnist: 3 batch sizes reached it, too few to fit the steps against the batch "
        "size (4 are needed).\n"
    )
