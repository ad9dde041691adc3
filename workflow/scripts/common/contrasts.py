"""Simultaneous comparisons of batch sizes, each with several learning rates, over the same seeds.

Any false claim among all that are made of one table of times has a probability of at most 5 %,
whichever batch size wins and however its learning rate was chosen: all pairs of configurations are
bounded at once (Hsu, "Multiple Comparisons", 1996), with a critical value for unequal noise.
docs/method.md has the method and its measured error rates.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

LEVEL = 0.95
"""The probability that all bounds of one table of times hold at once."""

NOISE_RATIO = 3.0
"""The ratio of configurations' standard deviations for which the critical value is made."""

FEWEST_FAST = 4
"""Configurations, the fastest ones, that noise is estimated from at the least."""

_DRAWS = 20_000
_DRAWS_AT_ONCE = 500


class Contrasts(NamedTuple):
    """The logarithm of how many times as long each batch size takes as each other.

    Attributes
    ----------
    estimate : ndarray of float64, shape (..., n_batch_sizes, n_batch_sizes)
        At [b, w]: of batch size b over w, each at the learning rate with its lowest geometric mean.
    low, high : ndarray of float64, same shape
        Its simultaneous bounds. b is shown slower than w where `low` is above 0. A single seed
        leaves them infinite.
    """

    estimate: Array
    low: Array
    high: Array


def contrasts(log_times: Array, rates: Sequence[int]) -> Contrasts:
    """Bound the ratios of all pairs of batch sizes at once.

    Parameters
    ----------
    log_times : ndarray of float64, shape (..., n_configurations, n_seeds)
        Logarithms of seconds, finite. The configurations of a batch size follow each other.
    rates : sequence of int
        The number of configurations of each batch size; at least two batch sizes.

    Returns
    -------
    Contrasts
        A batch size is slower than another only if each of its configurations is slower than some
        configuration of the other.
    """
    starts = _starts(rates)
    best = np.minimum.reduceat(log_times.mean(axis=-1), starts, axis=-1)
    estimate = best[..., :, None] - best[..., None, :]
    n_seeds = log_times.shape[-1]
    if n_seeds == 1:
        unbounded = np.full_like(estimate, np.inf)
        return Contrasts(estimate, -unbounded, unbounded)
    difference, error = _pairs(log_times, slice(None))
    lower = difference - critical_value(tuple(rates), n_seeds) * error
    over_some = np.maximum.reduceat(lower, starts, axis=-1)
    low = np.minimum.reduceat(over_some, starts, axis=-2)
    return Contrasts(estimate, low, -np.swapaxes(low, -1, -2))


@cache
def critical_value(rates: tuple[int, ...], n_seeds: int) -> float:
    """Compute how many standard errors wide the bounds must be.

    Parameters
    ----------
    rates : tuple of int
        The number of configurations of each batch size.
    n_seeds : int
        At least two.

    Returns
    -------
    float
        The quantile at `LEVEL`, by simulation, of the largest standardized difference between the
        best configuration of any batch size and any configuration of another, where all are equal:
        a false claim needs such a difference. It is the largest of those for three patterns of
        noise: the same in all batch sizes, `NOISE_RATIO` times as much in every second one, and
        `NOISE_RATIO` times as much in the first.
    """
    batch = np.repeat(np.arange(len(rates)), rates)
    own = batch == np.arange(len(rates))[:, None]
    is_noisy = (batch < 0, batch % 2 == 0, batch == 0)
    # Two standard errors of the simulated level, so that chance in it does not cost the level.
    level = LEVEL + 2 * np.sqrt(LEVEL * (1 - LEVEL) / _DRAWS)
    quantiles = []
    for noise in np.where(is_noisy, NOISE_RATIO, 1):
        random = np.random.default_rng(0)  # the same verdicts from the same runs
        largest = []
        for _ in range(_DRAWS // _DRAWS_AT_ONCE):
            draws = random.normal(size=(_DRAWS_AT_ONCE, len(batch), n_seeds)) * noise[:, None]
            # Which configuration is a batch size's best makes no difference: take the first.
            difference, error = _pairs(draws, _starts(rates))
            largest.append(np.where(own, -np.inf, difference / error).max(axis=(-2, -1)))
        quantiles.append(np.quantile(largest, level))
    return float(max(quantiles))


def _starts(rates: Sequence[int]) -> npt.NDArray[np.int64]:
    return np.cumsum([0, *rates[:-1]])


def _pairs(log_times: Array, rows: slice | npt.NDArray[np.int64]) -> tuple[Array, Array]:
    """Return the mean differences of some configurations to all, and their standard errors."""
    means = log_times.mean(axis=-1)
    variance = _difference_variance(log_times, means)
    # A pair is as noisy as the noisier of the two.
    larger = np.maximum(variance[..., rows, None], variance[..., None, :])
    return means[..., rows, None] - means[..., None, :], np.sqrt(larger / log_times.shape[-1])


def _difference_variance(log_times: Array, means: Array) -> Array:
    """Estimate the variance of a difference between each configuration and the fastest ones.

    Return the mean over the fastest half of the variance over seeds of the difference to each. Two
    or three seeds say little about one pair's noise, so these are averaged; the slow half is left
    out because it is often noisier, or censored. A seed's effect on all configurations cancels.
    """
    n_configurations, n_seeds = log_times.shape[-2:]
    count = min(n_configurations, max((n_configurations + 1) // 2, FEWEST_FAST))
    fastest = np.argsort(means, axis=-1, kind="stable")[..., :count]
    centred = log_times - means[..., None]
    variance = (centred**2).sum(axis=-1) / (n_seeds - 1)
    of_fastest = np.take_along_axis(variance, fastest, -1).mean(axis=-1, keepdims=True)
    middle = np.take_along_axis(centred, fastest[..., None], -2).mean(axis=-2)
    covariance = np.einsum("...ks,...s->...k", centred, middle) / (n_seeds - 1)
    mean = variance + of_fastest - 2 * covariance
    # A configuration among the fastest has no difference to itself.
    others = np.full(means.shape, float(count))
    np.put_along_axis(others, fastest, count - 1.0, -1)
    result: Array = np.maximum(mean * count / others, 0)  # rounding may leave less
    return result
