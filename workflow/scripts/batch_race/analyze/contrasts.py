"""Simultaneous comparisons of batch sizes, each with several learning rates, over the same seeds.

The probability of any false claim about one table of times is at most 5 %, whichever batch size
wins and however its learning rate was chosen: the bounds of all pairs of configurations are
simultaneous (Hsu, "Multiple Comparisons", 1996), with a critical value for unequal noise.
docs/method.md has the method and its measured error rates.
"""

import itertools
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

LEVEL = 0.95
"""The probability that all bounds of one table of times hold simultaneously."""

NOISE_RATIO = 3.0
"""The ratio of configurations' standard deviations that the critical value allows for."""

FEWEST_FAST = 4
"""The minimum number of configurations, the fastest ones, from which noise is estimated."""

_DRAWS = 20_000
_DRAWS_AT_ONCE = 500


class Contrasts(NamedTuple):
    """The logarithm of how many times as long each configuration takes as the winner.

    Attributes
    ----------
    difference : ndarray of float64, shape (..., n_configurations)
        The estimate.
    margin : ndarray of float64, same shape
        The half-width of the simultaneous interval; infinite for a single seed.
    """

    difference: Array
    margin: Array


def contrasts(
    winner: npt.ArrayLike,
    log_times: Array,
    log_given: Array,
    counts: Sequence[int],
    level: float = LEVEL,
) -> Contrasts:
    """Compare all configurations with one of them.

    Parameters
    ----------
    winner : array_like of int, shape (...)
        The index of that configuration.
    log_times : ndarray of float64, shape (..., n_configurations, n_seeds)
        Logarithms of seconds; infinite for a run that did not reach the target. The configurations
        of a batch size are consecutive.
    log_given : ndarray of float64, same shape
        Logarithms of the seconds of each whole run: lower bounds of the infinite times.
    counts : sequence of int
        The number of configurations of each batch size; at least two batch sizes.
    level : float

    Returns
    -------
    Contrasts
        A batch size is slower than the winner if each of its configurations is: if its difference
        exceeds its margin. A run that did not reach the target counts with the time of the whole
        run, so that its configuration's difference is a lower bound. If it is one of the winner's,
        all other times are limited to this time.
    """
    index = np.asarray(winner)[..., None]
    has_reached = np.isfinite(log_times)
    limits = np.where(has_reached, np.inf, log_given).min(axis=-1)
    horizon = np.take_along_axis(limits, index, -1)[..., None]
    times = np.minimum(np.where(has_reached, log_times, log_given), horizon)
    means = times.mean(axis=-1)
    difference = means - np.take_along_axis(means, index, -1)
    n_seeds = log_times.shape[-1]
    if n_seeds == 1:
        return Contrasts(difference, np.full_like(difference, np.inf))
    is_censored = (times != log_times).any(axis=-1)
    variance = _difference_variance(times, means, is_censored)
    larger = np.maximum(variance, np.take_along_axis(variance, index, -1))
    margin = critical_value(tuple(counts), n_seeds, level) * np.sqrt(larger / n_seeds)
    return Contrasts(difference, margin)


def ragged_contrasts(
    winner: int,
    log_times: Array,
    log_given: Array,
    batch_sizes: Sequence[int],
    level: float = LEVEL,
) -> Contrasts:
    """Compare all configurations with one of them, where some lack seeds that it has.

    Parameters
    ----------
    winner : int
        The index of that configuration.
    log_times, log_given : ndarray of float64, shape (n_configurations, n_seeds)
        As for `contrasts`; NaN for a seed that was not trained.
    batch_sizes : sequence of int
        That of each configuration; those of a batch size are consecutive.
    level : float

    Returns
    -------
    Contrasts
        Those with all of the winner's seeds are compared as by `contrasts`. Another one is compared
        at the seeds that it shares with the winner; its noise is assumed to be `NOISE_RATIO` times
        the largest of those. Both values are NaN if it shares none. All margins are infinite if
        only one batch size has all seeds.
    """
    is_shared = ~np.isnan(log_times[winner])
    times, given = log_times[:, is_shared], log_given[:, is_shared]
    is_complete = np.array([np.isfinite(each).all() for each in given])
    n_seeds = times.shape[1]
    complete_sizes = itertools.compress(batch_sizes, is_complete)
    counts = [len(list(same)) for _, same in itertools.groupby(complete_sizes)]
    difference = np.full(len(times), np.nan)
    margin = np.full(len(times), np.inf)
    if len(counts) > 1:
        place = int(is_complete[:winner].sum())
        block = contrasts(place, times[is_complete], given[is_complete], counts, level)
        difference[is_complete], margin[is_complete] = block
    largest = NOISE_RATIO * margin[is_complete].max()
    for index in np.flatnonzero(np.isinf(margin) | ~is_complete):
        common = np.isfinite(given[index])
        if not common.any():
            margin[index] = np.nan
        elif index != winner:
            pair = np.array([winner, index])[:, None], np.flatnonzero(common)
            difference[index] = contrasts(0, times[pair], given[pair], (1, 1), level).difference[1]
            margin[index] = largest * np.sqrt(n_seeds / common.sum())
    difference[winner] = 0
    return Contrasts(difference, margin)


@cache
def critical_value(counts: tuple[int, ...], n_seeds: int, level: float = LEVEL) -> float:
    """Compute the critical value: the margin in standard errors.

    Parameters
    ----------
    counts : tuple of int
        The number of configurations of each batch size.
    n_seeds : int
        At least two.
    level : float

    Returns
    -------
    float
        The quantile at `level`, by simulation, of the largest standardized difference between the
        best configuration of any batch size and any configuration of another, if all are equally
        fast: a false claim needs a larger one. The largest quantile of three patterns of noise
        is taken: equal in all batch sizes, `NOISE_RATIO` times as large in every second one, and
        `NOISE_RATIO` times as large in the first.
    """
    batch = np.repeat(np.arange(len(counts)), counts)
    own = batch == np.arange(len(counts))[:, None]
    # By symmetry, the first configuration of a batch size can represent its best.
    first = own.argmax(axis=1)
    is_noisy = (batch < 0, batch % 2 == 0, batch == 0)
    # Two standard errors of the simulation are added, so that the level holds despite them.
    safe_level = level + 2 * np.sqrt(level * (1 - level) / _DRAWS)
    quantiles = []
    for noise in np.where(is_noisy, NOISE_RATIO, 1):
        random = np.random.default_rng(0)  # so that verdicts are reproducible
        largest = []
        for _ in range(_DRAWS // _DRAWS_AT_ONCE):
            draws = random.normal(size=(_DRAWS_AT_ONCE, len(batch), n_seeds)) * noise[:, None]
            means = draws.mean(axis=-1)
            variance = _difference_variance(draws, means, np.zeros(means.shape, dtype=bool))
            larger = np.maximum(variance[:, first, None], variance[:, None, :])
            difference = means[:, first, None] - means[:, None, :]
            ratio = difference / np.sqrt(larger / n_seeds)
            largest.append(np.where(own, -np.inf, ratio).max(axis=(-2, -1)))
        quantiles.append(np.quantile(largest, safe_level))
    return float(max(quantiles))


def _difference_variance(
    log_times: Array, means: Array, is_censored: npt.NDArray[np.bool_]
) -> Array:
    """Estimate the variance of a difference between each configuration and the fastest ones.

    This is the mean, over the fastest half, of the variance over seeds of the difference to each.
    The mean is taken because two or three seeds estimate one pair's variance poorly; the slow half
    is excluded because it is often noisier, and because censored times hide their noise. Effects of
    a seed on all configurations cancel. A pair has the larger of its two estimates.
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
    result: Array = np.maximum(mean * count / others, 0)  # rounding may give less
    return result
