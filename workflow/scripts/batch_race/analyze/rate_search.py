"""The search for a configuration's best learning rate, on a geometric grid.

The grid's rates are a factor of √10 apart, around a start that depends on the configuration. While
the best is at an end, the grid is widened there; then the two rates half as far from the best are
tried. All rates lie on one lattice of powers of 10^(1/4), so that they are the same whatever else
is configured.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

PER_DECADE = 4
"""Rates of the lattice."""

COARSE = 2
"""Places on the lattice from one rate of the grid to the next."""

LOWEST, HIGHEST = -6 * PER_DECADE, 3 * PER_DECADE
"""Places on the lattice beyond which a grid is not widened."""

_AT_ONE_EXAMPLE = {"raw": 3e-4, "unit": 3e-2, "standardized": 1e-2}
"""By the scaling of the inputs, a guess at the best rate at batch size 1: for raw pixels from the
rates in docs/study.md. A wrong guess costs further rates, since the grid is widened."""

_GROWTH = 0.75
"""Exponent with which the best rate grows with the batch size, roughly as in docs/study.md."""


class Standing(NamedTuple):
    """How a learning rate stands with a target.

    Attributes
    ----------
    seconds : float
        Median seconds to the target; infinite if most runs did not reach it.
    end : float
        Median of the loss or the test error that the runs ended with.
    """

    seconds: float
    end: float


class Step(NamedTuple):
    """A learning rate to try, and why: "widened" or "refined"."""

    learning_rate: float
    rule: str


def start(values: Mapping[str, Any]) -> list[float]:
    """Return the first learning rates of a configuration.

    Parameters
    ----------
    values : mapping
        The specification of its runs; the batch size, the momentum and the inputs are used.
    """
    guess = _AT_ONE_EXAMPLE[values["inputs"]] * values["batch_size"] ** _GROWTH
    guess *= 1 - values["momentum"]
    place = COARSE * round(math.log10(guess) * PER_DECADE / COARSE)
    place = min(max(place, LOWEST + COARSE), HIGHEST - COARSE)
    return [rate(place + step) for step in (-COARSE, 0, COARSE)]


def further(standings: Mapping[float, Standing], *, is_refined: bool) -> Iterator[Step]:
    """Yield the learning rates to try next for a target.

    Parameters
    ----------
    standings : mapping of float to Standing
        By the learning rates tried.
    is_refined : bool
        Whether a difference of half a step of the grid matters.
    """
    if not standings:
        return
    # Of equals the lowest: where all diverge, lower rates are next.
    best = min(standings, key=lambda each: (*standings[each], each))
    place, places = _place(best), set(map(_place, standings))
    # Rates that a user asked for may be far from the others.
    if places.isdisjoint(range(place - COARSE, place)):
        if place - COARSE >= LOWEST:
            yield Step(rate(place - COARSE), "widened")
    elif places.isdisjoint(range(place + 1, place + COARSE + 1)):
        if place + COARSE <= HIGHEST:
            yield Step(rate(place + COARSE), "widened")
    elif is_refined:
        for finer in (place - 1, place + 1):
            if finer not in places:
                yield Step(rate(finer), "refined")


def rate(place: int) -> float:
    """Return the learning rate at a place of the lattice, to three digits."""
    return float(f"{10 ** (place / PER_DECADE):.3g}")


def _place(learning_rate: float) -> int:
    return round(math.log10(learning_rate) * PER_DECADE)
