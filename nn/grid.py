"""The grid of steps at which a target can count as reached: a function of the step alone.

Consecutive steps of the grid differ by at most 2 %, at every batch size and in every run.
"""

POINTS = 50
"""Fewest steps of the grid while the number of steps doubles."""


def after(step: int) -> int:
    """Return the first step of the grid after any step."""
    increment = _increment(step)
    return (step // increment + 1) * increment


def before(step: int) -> int:
    """Return the last step of the grid before a step from 1."""
    return step - 1 - (step - 1) % _increment(step - 1)


def contains(step: int) -> bool:
    """Return whether a step is on the grid."""
    return step % _increment(step) == 0


def between(start: int, stop: int) -> list[int]:
    """Return the steps of the grid after `start` and before `stop`."""
    steps = []
    while (start := after(start)) < stop:
        steps.append(start)
    return steps


def _increment(step: int) -> int:
    """Return the largest power of two that is at most 2 % of a step; at least 1."""
    # Multiples of a power of two need no counting from step 0.
    return 1 << max(0, (step // POINTS).bit_length() - 1)
