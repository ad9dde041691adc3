"""The axes of charts: their ticks and the form of their numbers."""

import json
from collections.abc import Iterable
from math import ceil, floor, log10

import altair as alt

from batch_race import batch_sizes

_KIND = "datum.value >= 10000 ? '~s' : datum.value > 0 && datum.value < 0.001 ? '~e' : '~g'"

LABELS = f"format(datum.value, {_KIND})"
"""A Vega expression that writes the number of a tick: 1e-4, 0.01, 1000, 60k."""

MOST_DECADES = 16
"""Of more, every second, third … has a tick."""


_SPACE = 0.04
"""At each end of an axis, as a part of it."""


def batch_size_labels(sizes: Iterable[tuple[int, int]]) -> str:
    """Return a Vega expression that writes the batch size of a tick: 2,048, or all (60,000).

    The latter has two lines, to be as narrow as the others.

    Parameters
    ----------
    sizes : iterable of tuple of int
        Each batch size and the number of training images that it is drawn from.
    """
    pairs = set(sizes)
    partial = {size for size, images in pairs if size != images}
    labels = "format(datum.value, ',d')"
    for size in sorted({size for size, _ in pairs} - partial):
        lines = json.dumps(batch_sizes.describe(size, size).split())
        labels = f"datum.value === {size} ? {lines} : {labels}"
    return labels


def log_ticks(low: float, high: float) -> list[float]:
    """Return the ticks of a logarithmic axis: at least three, unless the range is a single number.

    Parameters
    ----------
    low, high : float
        The range of the axis, above 0.

    Returns
    -------
    list of float
        All decades in the range (every n-th of more than `MOST_DECADES`), if they are at least
        three; else also twice and five times each decade; else multiples of a smaller unit.
    """
    first, last = floor(log10(low)), ceil(log10(high))
    stride = ceil((last - first) / MOST_DECADES) or 1
    ticks = [float(f"1e{decade}") for decade in range(first, last + 1, stride)]
    if sum(low <= tick <= high for tick in ticks) < 3:
        ticks = [factor * tick for tick in ticks for factor in (1, 2, 5)]
    if sum(low <= tick <= high for tick in ticks) < 3 and low < high:
        unit = 10.0 ** floor(log10(high - low))
        unit /= next(part for part in (1, 2, 5, 10) if (high - low) / unit * part >= 3)
        ticks = [index * unit for index in range(ceil(low / unit), floor(high / unit) + 1)]
    return [float(f"{tick:.12g}") for tick in ticks if low <= tick <= high]


def log_scale(low: float, high: float) -> alt.Scale:
    """Return a logarithmic scale of this range, which must be above 0; any if it is one number."""
    domain = [low, high] if low < high else alt.Undefined
    return alt.Scale(type="log", domain=domain, nice=False)


def widened(low: float, high: float) -> tuple[float, float]:
    """Return the range of a logarithmic axis, with some space at both of its ends.

    Parameters
    ----------
    low, high : float
        Above 0. If they are near to each other, the range is a factor of four around them.
    """
    factor = max((high / low) ** _SPACE, 2 * (low / high) ** 0.5)
    return low / factor, high * factor
