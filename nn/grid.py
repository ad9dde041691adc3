"""The grid of steps on which a target counts as reached: a function of the step alone.

Each step of the grid is at most 2 % after the one before, at every batch size and in every run.
"""

POINTS = 50
"""Steps of the grid, at least, while the number of steps doubles."""


def after(step: int) -> int:
    """Return the first step of the grid after a step, on the grid or off it."""
    increment = _increment(step)
    return (step // increment + 1) * increment


def before(step: int) -> int:
    """Return the last step of the grid before a step, which is at least 1."""
    return step - 1 - (step - 1) % _increment(step - 1)


def contains(step: int) -> bool:
    """Return whether a step is on the grid."""
    return step % _increment(step) == 0


def between(start: int, stop: int) -> list[int]:
    """List the steps of the grid after `start` and before `stop`."""
    steps = []
    while (start := after(start)) < stop:
        steps.append(start)
    return steps


def _increment(step: int) -> int:
    """Return the largest power of two that is at most 2 % of a step; at least 1."""
    # A power of two: then the grid is known at any step without counting from 0.
    return 1 << max(0, (step // POINTS).bit_length() - 1)
