"""The steps after which the network is evaluated."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """The steps after which the network is evaluated, in addition to the first and the last.

    By default they are log-spaced, the same for every batch size, so that a curve is detailed at
    its start, where the loss changes fast. Points are left out where evaluation would take more
    than `time_fraction` of the run. `every_steps` or `every_seconds` replaces this schedule.

    Attributes
    ----------
    every_steps : int or None
        Evaluate after each multiple of so many steps, at any cost.
    every_seconds : float or None
        Evaluate whenever so many more training seconds have passed, at any cost.
    points_per_decade : int
        Evaluations while the number of steps grows tenfold.
    time_fraction : float
        The fraction of a run with a budget in seconds that evaluation may take; above 0, below 1.
    twice_at_epoch_end : bool
        Whether an evaluation after an epoch's last step is made twice, and the epoch counted with
        the second, as in the chapter's program. A run that ends with the first does not count it.
    """

    every_steps: int | None = None
    every_seconds: float | None = None
    points_per_decade: int = 20
    time_fraction: float = 0.5
    twice_at_epoch_end: bool = False

    def next_step(self, step: int) -> float:
        """Return the next step to evaluate after; infinite if seconds decide."""
        if self.every_steps is not None:
            return (step // self.every_steps + 1) * self.every_steps
        if self.every_seconds is not None:
            return float("inf")
        point = math.floor(math.log10(max(step, 1)) * self.points_per_decade)
        while (candidate := math.ceil(10 ** (point / self.points_per_decade))) <= step:
            point += 1
        return candidate

    def next_second(self, training_seconds: float) -> float:
        """Return the next training second to evaluate after; infinite if steps decide."""
        if self.every_seconds is None:
            return float("inf")
        return (training_seconds // self.every_seconds + 1) * self.every_seconds

    def affords(
        self, evaluation_seconds: float, training_seconds: float, budget_seconds: float | None
    ) -> bool:
        """Return whether the next evaluation keeps within `time_fraction`.

        Parameters
        ----------
        evaluation_seconds : float
            Spent on evaluation so far, plus the likely cost of the next one.
        training_seconds : float
            Spent on steps so far.
        budget_seconds : float or None
            What the steps may take in all; without it, every evaluation is affordable.

        Returns
        -------
        bool
        """
        is_fixed = self.every_steps is not None or self.every_seconds is not None
        if is_fixed or budget_seconds is None:
            return True
        # A tenth of the allowance is given at the start; the rest is earned by training.
        earned = 0.1 * budget_seconds + 0.9 * training_seconds
        return evaluation_seconds <= earned * self.time_fraction / (1 - self.time_fraction)
