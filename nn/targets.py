"""Targets of training, and the steps at which a run reached them."""

from typing import Literal, NamedTuple

Metric = Literal["loss", "accuracy"]


class Score(NamedTuple):
    """A network's training loss in nats and test accuracy in percent; NaN if not measured."""

    loss: float
    accuracy: float


class Target(NamedTuple):
    """A training loss in nats, or a test accuracy in percent."""

    metric: Metric
    value: float

    def is_reached(self, score: Score) -> bool:
        """Return whether a score is at the target or better."""
        if self.metric == "loss":
            return score.loss <= self.value
        return score.accuracy >= self.value

    def is_near(self, score: Score, margin: float) -> bool:
        """Return whether the loss or the error rate is at most `margin` times the target's."""
        return self.height(score) <= margin * self.height(Score(self.value, self.value))

    def height(self, score: Score) -> float:
        """Return the loss or the error rate in percent: what training reduces."""
        return score.loss if self.metric == "loss" else 100 - score.accuracy


class Crossing(NamedTuple):
    """The step at which a run reached a target.

    Attributes
    ----------
    step : int or None
        None if the run did not reach it, or is not known to.
    before : int or None
        A step at or before which the run did not reach the target; None at step 0. Without `step`,
        None if that is its last.
    source : {"grid", "evaluations"}
        `grid` if the step is exact on the grid; `evaluations` if it is that of the run's own first
        evaluation at the target, because the steps could not be reproduced.
    """

    step: int | None
    before: int | None
    source: Literal["grid", "evaluations"]
