"""Targets of training, and where a run reached them."""

from typing import Literal, NamedTuple

Metric = Literal["loss", "accuracy"]


class Score(NamedTuple):
    """What is known of a network: a training loss in nats, a test accuracy in percent; or NaN."""

    loss: float
    accuracy: float


class Target(NamedTuple):
    """A training loss in nats, or a test accuracy in percent."""

    metric: Metric
    value: float

    def is_reached(self, score: Score) -> bool:
        """Return whether the network is at the target or beyond it."""
        if self.metric == "loss":
            return score.loss <= self.value
        return score.accuracy >= self.value

    def is_near(self, score: Score, margin: float) -> bool:
        """Return whether the loss, or the error rate, is within a factor of the target's."""
        return self.height(score) <= margin * self.height(Score(self.value, self.value))

    def height(self, score: Score) -> float:
        """Return the loss, or the error rate in percent: what training brings down."""
        return score.loss if self.metric == "loss" else 100 - score.accuracy


class Crossing(NamedTuple):
    """Where a run reached a target.

    Attributes
    ----------
    step : int or None
        None if it did not.
    before : int or None
        The last step at which it was looked for before; None at step 0.
    source : {"grid", "evaluations"}
        Whether that is exact on the grid, or the first of the run's own evaluations at the target,
        since the steps could not be reproduced.
    """

    step: int | None
    before: int | None
    source: Literal["grid", "evaluations"]
