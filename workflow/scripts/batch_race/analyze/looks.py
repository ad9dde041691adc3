"""The levels of a test that is repeated after each further seed.

With pruning, the verdict on the runner-up is looked at after each seed from the second on, and no
more are trained once it is settled. The error of all looks together is limited by the sum of their
errors: a fifth of it is shared by the looks before the last possible one.
"""

from batch_race.analyze.contrasts import LEVEL

EARLY_SHARE = 0.2
"""The share of the error that the looks before the last may make."""


def level(n_seeds: int, most_seeds: int | None) -> float:
    """Return the level of the verdicts after so many seeds.

    Parameters
    ----------
    n_seeds : int
        The seeds of the winner.
    most_seeds : int or None
        As many as would be trained if the verdict were never settled; None without pruning.
    """
    if most_seeds is None:
        return LEVEL
    error = 1 - LEVEL
    n_early = most_seeds - 2  # looks at 2, 3, ... seeds, before the last
    if n_early <= 0:
        return LEVEL
    if n_seeds >= most_seeds:
        return 1 - error * (1 - EARLY_SHARE)
    return 1 - error * EARLY_SHARE / n_early
