"""Estimates of the loss, against the loss over all images."""

import math

import numpy as np
import pytest

from nn.estimator import DEVIATIONS, ROUNDING, Estimator

N = 60000


def losses(random, n_examples=N):
    """Draw losses as of a trained network: most images are sure, a few are far off."""
    return random.exponential(0.02, n_examples) + random.lognormal(-4, 2, n_examples)


def test_the_error_is_that_of_random_samples():
    estimator = Estimator(N)
    random = np.random.default_rng(2)
    errors = []
    for _ in range(200):
        before = losses(random)
        after = before * random.lognormal(-0.05, 0.2, N)
        estimator.begin_from(before.mean(), before[estimator.rows])
        loss, error = estimator.estimate(after[estimator.rows])
        assert abs(loss - after.mean()) < error
        deviation = (error - ROUNDING * loss) / DEVIATIONS
        errors.append((loss - after.mean()) / deviation)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(1, abs=0.15)
    assert abs(np.mean(errors)) < 0.3


def test_images_of_two_sources_by_turns():
    # As in MNIST; over each twelfth image, the loss falls a quarter as fast.
    harder = np.arange(N) % 2 == 0
    before = losses(np.random.default_rng(3))
    after = before * np.where(harder, 0.97, 0.88)
    estimator = Estimator(N)
    estimator.begin_from(before.mean(), before[estimator.rows])
    loss, error = estimator.estimate(after[estimator.rows])
    assert abs(loss - after.mean()) < error < 0.05 * loss
    change = (after - before)[::12].mean()
    assert abs(before.mean() + change - after.mean()) > error


@pytest.mark.parametrize("n_examples", [1, 2, 600, 5000])
def test_a_sample_of_all_images_leaves_rounding_alone(n_examples):
    random = np.random.default_rng(4)
    before, after = losses(random, n_examples), losses(random, n_examples)
    estimator = Estimator(n_examples)
    assert estimator.rows.tolist() == list(range(n_examples))
    estimator.begin_from(before.mean(), before)
    loss, error = estimator.estimate(after)
    assert loss == pytest.approx(after.mean(), rel=1e-12)
    assert error == pytest.approx(ROUNDING * loss)


def test_the_sample_is_always_the_same():
    first, second = Estimator(N).rows, Estimator(N).rows
    assert np.array_equal(first, second)
    assert len(set(first.tolist())) == 5000
    assert np.all(np.diff(first) > 0)


@pytest.mark.parametrize("gone", [math.nan, math.inf])
def test_losses_that_are_not_finite_give_none(gone):
    estimator = Estimator(600)
    estimator.begin_from(gone, np.full(600, gone))
    assert all(map(math.isnan, estimator.estimate(np.full(600, gone))))
