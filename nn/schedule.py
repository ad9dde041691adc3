"""When the network is evaluated."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """The steps after which the network is evaluated, beside the first and the last.

    By default they lie evenly on a logarithmic axis, at the same steps for every batch size: a
    curve has its detail at the start, where the loss moves. Evaluating all images costs as much
    as hundreds of small steps, so points are left out where evaluation would take more than
    `share` of the run. At most one of `every_steps` and `every_seconds` takes its place.

    Attributes
    ----------
    every_steps : int or None
        Evaluate after every so many steps, at any cost, instead of on the logarithmic schedule.
    every_seconds : float or None
        Evaluate whenever so many more training seconds have passed, likewise.
    points_per_decade : int
        Evaluations while the number of steps grows tenfold.
    share : float
        The part of a run with a budget in seconds that evaluation may take; above 0, below 1.
    twice_at_epoch_end : bool
        Whether an evaluation after an epoch's last step is made twice, and the epoch counted with
        the second, as in the chapter's program. A run that ends with the first has not counted it.
    """

    every_steps: int | None = None
    every_seconds: float | None = None
    points_per_decade: int = 20
    share: float = 0.5
    twice_at_epoch_end: bool = False

    def next_step(self, step: int) -> float:
        """Return the first step behind `step` to evaluate after; infinite if seconds decide."""
        if self.every_steps is not None:
            return (step // self.every_steps + 1) * self.every_steps
        if self.every_seconds is not None:
            return float("inf")
        point = math.floor(math.log10(max(step, 1)) * self.points_per_decade)
        while (candidate := math.ceil(10 ** (point / self.points_per_decade))) <= step:
            point += 1
        return candidate

    def next_second(self, training_seconds: float) -> float:
        """Return the training second to evaluate after; infinite if steps decide."""
        if self.every_seconds is None:
            return float("inf")
        return (training_seconds // self.every_seconds + 1) * self.every_seconds

    def affords(
        self, evaluation_seconds: float, training_seconds: float, budget_seconds: float | None
    ) -> bool:
        """Return whether the next evaluation keeps within the share.

        Parameters
        ----------
        evaluation_seconds : float
            Spent on evaluation until now, with the likely cost of the next one.
        training_seconds : float
            Spent on steps until now.
        budget_seconds : float or None
            What the steps may take in all; without it, every point is afforded.

        Returns
        -------
        bool
        """
        is_fixed = self.every_steps is not None or self.every_seconds is not None
        if is_fixed or budget_seconds is None:
            return True
        # A tenth of the allowance is there from the start; the rest is earned by training.
        earned = 0.1 * budget_seconds + 0.9 * training_seconds
        return evaluation_seconds <= earned * self.share / (1 - self.share)
