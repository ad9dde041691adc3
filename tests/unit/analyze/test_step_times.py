"""The test of whether the time of a step depends on the learning rate."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from batch_race.analyze.step_times import learning_rate_effect
from tests.curves import curve, each_seed, measured


def speeds(*by_rate):
    """Measure runs at batch size 32 whose steps take so many seconds, by learning rate and seed."""
    return measured(
        pl.concat(
            each_seed(
                lambda seconds, **run: curve([2.0, 1.0], step_seconds=seconds, **run),
                seconds,
                learning_rate=0.01 * (index + 1),
            )
            for index, seconds in enumerate(by_rate)
        ),
        {},
        "training",
    )


def test_the_p_value_equals_that_of_the_f_test():
    alike = [[1.0, 1.05, 0.98], [1.02, 0.97, 1.01], [0.99, 1.03, 1.0]]
    found = learning_rate_effect(speeds(*alike))
    assert found["p_value"] == pytest.approx(stats.f_oneway(*np.log(alike)).pvalue)
    assert found["p_value"] > 0.05
    other = [*alike[:2], [1.4, 1.45, 1.38]]
    found = learning_rate_effect(speeds(*other))
    means = stats.gmean(other, axis=1)
    assert found["factor"] == pytest.approx(means.max() / means.min())
    assert found["p_value"] < 0.001


def test_one_seed_has_no_p_value_and_one_learning_rate_no_effect():
    found = learning_rate_effect(speeds([1.0], [1.1]))
    assert (found["factor"], found["p_value"]) == (pytest.approx(1.1), None)
    assert learning_rate_effect(speeds([1.0, 1.1])) is None


@pytest.mark.parametrize("disturbance", [{"contended": True}, {"stopped": "diverged"}])
def test_contended_and_diverged_runs_are_left_out(disturbance):
    slow = curve([2.0, 1.0], step_seconds=9.0, learning_rate=0.01, seed=9, **disturbance)
    table = [[1.0, 1.05, 0.98], [1.02, 0.97, 1.01]]
    with_it = learning_rate_effect(pl.concat([speeds(*table), measured(slow, {}, "training")]))
    assert with_it == learning_rate_effect(speeds(*table))
