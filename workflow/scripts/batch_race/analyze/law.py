"""The law of steps and batch size, fitted, with a confidence region of its parameters.

The law is that of McCandlish, Kaplan, Amodei et al., "An Empirical Model of Large-Batch Training"
(2018), section 2: S(B) = S_min (1 + B_crit / B). Far below the critical batch size, doubling the
batch size halves the steps; far above it, it saves none.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from batch_race.analyze.contrasts import LEVEL

Array = npt.NDArray[np.float64]

FEWEST = 4
"""The minimum number of batch sizes of a fit of two parameters, so that its error can be judged."""

WORST_FACTOR = 1.5
"""The largest error of a good fit, as a factor of the steps at any batch size."""

REACH = 1000
"""How far beyond the batch sizes tried B_crit is searched for, as a factor."""

_SCANNED = 400
_REGION_POINTS = 201


class Fit(NamedTuple):
    """The fitted law, and the joint confidence region of its two parameters.

    The region is Beale's ("Confidence regions in non-linear estimation", JRSS B 22, 1960). All
    intervals that are computed from it hold simultaneously.

    Attributes
    ----------
    log_s_min, log_b_crit : float
        The logarithms of S_min, in steps, and B_crit, in examples.
    region_b_crit : ndarray of float64, shape (n,)
        The logarithms of B_crit in the region, ascending.
    region_s_min : ndarray of float64, shape (2, n)
        For each of them, the lowest and the highest logarithm of S_min.
    is_open : tuple of bool
        Whether the region has no lower and no upper end of B_crit.
    worst_factor : float
        The largest error of the law at any batch size, as a factor of at least 1.
    worst_batch_size : int
    smallest, largest : int
        The range of the batch sizes that were fitted.
    """

    log_s_min: float
    log_b_crit: float
    region_b_crit: Array
    region_s_min: Array
    is_open: tuple[bool, bool]
    worst_factor: float
    worst_batch_size: int
    smallest: int
    largest: int

    @property
    def s_min(self) -> tuple[float, float | None, float]:
        """S_min with its interval, in steps; without a lower end if B_crit has no upper one."""
        low, high = float(self.region_s_min[0].min()), float(self.region_s_min[1].max())
        return _exp(self.log_s_min), None if self.is_open[1] else _exp(low), _exp(high)

    @property
    def b_crit(self) -> tuple[float, float | None, float | None]:
        """B_crit with its interval, in examples; an end that is open is None."""
        low, high = (
            None if is_open else _exp(end)
            for end, is_open in zip(self.region_b_crit[[0, -1]], self.is_open, strict=True)
        )
        return _exp(self.log_b_crit), low, high

    @property
    def verdict(self) -> str:
        """Whether the law holds: `good`, `bad` (large error), or `open` (B_crit is not known).

        B_crit is not known if its interval has an open end, or if it is outside the batch sizes
        tried.
        """
        if self.worst_factor > WORST_FACTOR:
            return "bad"
        is_within = np.log(self.smallest) <= self.log_b_crit <= np.log(self.largest)
        return "good" if is_within and not any(self.is_open) else "open"


def fit(batch_sizes: Sequence[int], steps: Sequence[float]) -> Fit:
    """Fit S(B) = S_min (1 + B_crit / B) by least squares of the logarithms.

    Parameters
    ----------
    batch_sizes : sequence of int
        At least `FEWEST`, in examples.
    steps : sequence of float
        To the target, at the best learning rate of each batch size.

    Returns
    -------
    Fit
    """
    sizes = np.log(np.asarray(batch_sizes, dtype=np.float64))
    logarithms = np.log(np.asarray(steps, dtype=np.float64))
    count = len(sizes)

    def best_s_min(log_b_crit: Array | float) -> Array:
        mean: Array = np.mean(logarithms - bend(log_b_crit, sizes), axis=-1)
        return mean

    def misfit(log_b_crit: Array | float) -> Array:
        """Return the residual sum of squares at the best S_min for each B_crit."""
        squares: Array = np.var(logarithms - bend(log_b_crit, sizes), axis=-1) * count
        return squares

    reach = np.log(REACH)
    scanned = np.linspace(sizes.min() - reach, sizes.max() + reach, _SCANNED)
    lowest = int(misfit(scanned).argmin())
    near = (scanned[max(lowest - 1, 0)], scanned[min(lowest + 1, _SCANNED - 1)])
    from scipy import optimize, special  # take half a second, and few races have a law

    found = optimize.minimize_scalar(misfit, bounds=near, method="bounded", options={"xatol": 1e-9})
    b_crit = float(found.x)
    # For two parameters jointly: the F distribution with 2 and count - 2 degrees of freedom.
    most = misfit(b_crit) * (1 + 2 / (count - 2) * special.fdtri(2, count - 2, LEVEL))
    ends, is_open = _ends(lambda value: misfit(value) - most, np.sort(np.append(scanned, b_crit)))
    region = np.sort(np.append(np.linspace(*ends, _REGION_POINTS), b_crit))
    slack = np.sqrt(np.maximum(most - misfit(region), 0) / count)
    s_min = float(best_s_min(b_crit))
    off = np.abs(s_min + bend(b_crit, sizes) - logarithms)
    worst = int(off.argmax())
    return Fit(
        s_min,
        b_crit,
        region,
        best_s_min(region) + np.array([[-1], [1]]) * slack,
        is_open,
        float(np.exp(off[worst])),
        int(batch_sizes[worst]),
        int(min(batch_sizes)),
        int(max(batch_sizes)),
    )


def bend(log_b_crit: Array | float, log_sizes: Array) -> Array:
    """Return the logarithms of steps / S_min.

    Parameters
    ----------
    log_b_crit : ndarray of float64, shape (...), or float
    log_sizes : ndarray of float64, shape (n_sizes,)

    Returns
    -------
    ndarray of float64, shape (..., n_sizes)
    """
    logarithms: Array = np.logaddexp(0, np.expand_dims(log_b_crit, -1) - log_sizes)
    return logarithms


def _ends(
    excess: Callable[[Any], Any], values: Array
) -> tuple[tuple[float, float], tuple[bool, bool]]:
    """Return the range in which a function is not above 0, and which of its ends are open.

    Parameters
    ----------
    excess : callable
        Not above 0 at at least one of the values.
    values : ndarray of float64
        Ascending. An end is open if the function is not above 0 at the first or last value.
    """
    from scipy import optimize

    (inside,) = np.nonzero(excess(values) <= 0)
    first, last = int(inside[0]), int(inside[-1])
    is_open = (first == 0, last == len(values) - 1)
    low = values[0] if is_open[0] else optimize.brentq(excess, values[first - 1], values[first])
    high = values[-1] if is_open[1] else optimize.brentq(excess, values[last], values[last + 1])
    return (float(low), float(high)), is_open


def _exp(logarithm: float) -> float:
    return float(np.exp(np.clip(logarithm, -700, 700)))
