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
    """The logarithm of how many times as long each configuration takes as the winner.

    Attributes
    ----------
    difference : ndarray of float64, shape (..., n_configurations)
        The estimate.
    margin : ndarray of float64, same shape
        How far to each side of it the simultaneous bounds lie; infinite for a single seed.
    """

    difference: Array
    margin: Array


def contrasts(
    winner: npt.ArrayLike, log_times: Array, log_given: Array, rates: Sequence[int]
) -> Contrasts:
    """Compare all configurations with one of them, whichever it is.

    Parameters
    ----------
    winner : array_like of int, shape (...)
        The index of that configuration.
    log_times : ndarray of float64, shape (..., n_configurations, n_seeds)
        Logarithms of seconds; infinite of a run that did not arrive. The configurations of a batch
        size follow each other.
    log_given : ndarray of float64, same shape
        Logarithms of the seconds that each run was given at the least, if it did not arrive.
    rates : sequence of int
        The number of configurations of each batch size; at least two batch sizes.

    Returns
    -------
    Contrasts
        A batch size is slower than the winner if each of its configurations is: if its difference
        is larger than its margin. A run that did not arrive counts with the time that it was given,
        so that its configuration's difference is a lower bound. Where it is one of the winner's, no
        time counts for more than this.
    """
    place = np.asarray(winner)[..., None]
    has_arrived = np.isfinite(log_times)
    limits = np.where(has_arrived, np.inf, log_given).min(axis=-1)
    horizon = np.take_along_axis(limits, place, -1)[..., None]
    times = np.minimum(np.where(has_arrived, log_times, log_given), horizon)
    means = times.mean(axis=-1)
    difference = means - np.take_along_axis(means, place, -1)
    n_seeds = log_times.shape[-1]
    if n_seeds == 1:
        return Contrasts(difference, np.full_like(difference, np.inf))
    is_censored = (times != log_times).any(axis=-1)
    variance = _difference_variance(times, means, is_censored)
    larger = np.maximum(variance, np.take_along_axis(variance, place, -1))
    margin = critical_value(tuple(rates), n_seeds) * np.sqrt(larger / n_seeds)
    return Contrasts(difference, margin)


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
    # Which configuration is a batch size's best makes no difference: take the first.
    first = own.argmax(axis=1)
    is_noisy = (batch < 0, batch % 2 == 0, batch == 0)
    # Two standard errors of the simulated level, so that chance in it does not cost the level.
    level = LEVEL + 2 * np.sqrt(LEVEL * (1 - LEVEL) / _DRAWS)
    quantiles = []
    for noise in np.where(is_noisy, NOISE_RATIO, 1):
        random = np.random.default_rng(0)  # the same verdicts from the same runs
        largest = []
        for _ in range(_DRAWS // _DRAWS_AT_ONCE):
            draws = random.normal(size=(_DRAWS_AT_ONCE, len(batch), n_seeds)) * noise[:, None]
            means = draws.mean(axis=-1)
            variance = _difference_variance(draws, means, np.zeros(means.shape, dtype=bool))
            larger = np.maximum(variance[:, first, None], variance[:, None, :])
            difference = means[:, first, None] - means[:, None, :]
            ratio = difference / np.sqrt(larger / n_seeds)
            largest.append(np.where(own, -np.inf, ratio).max(axis=(-2, -1)))
        quantiles.append(np.quantile(largest, level))
    return float(max(quantiles))


def _difference_variance(
    log_times: Array, means: Array, is_censored: npt.NDArray[np.bool_]
) -> Array:
    """Estimate the variance of a difference between each configuration and the fastest ones.

    Return the mean over the fastest half of the variance over seeds of the difference to each. Two
    or three seeds say little about one pair's noise, so these are averaged; the slow half is left
    out because it is often noisier, and times that are censored hide their noise. A seed's effect
    on all configurations cancels. The larger of two such numbers is taken for a pair.
    """
    n_configurations, n_seeds = log_times.shape[-2:]
    count = min(n_configurations, max((n_configurations + 1) // 2, FEWEST_FAST))
    order = np.where(is_censored, np.inf, means)
    fastest = np.argsort(order, axis=-1, kind="stable")[..., :count]
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
