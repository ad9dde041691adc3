"""The limits and targets that end training."""

from dataclasses import dataclass
from typing import Literal

ClockName = Literal["training", "wall"]


@dataclass(frozen=True)
class Budget:
    """What training may spend; the first limit or target reached ends it.

    Attributes
    ----------
    seconds : float or None
        Seconds of the clock named by `clock`.
    clock : {"training", "wall"}
        `training` times the steps alone; `wall` times everything since the start, evaluation
        included, as in the chapter.
    steps : int or None
    epochs : int or None
    loss : float or None
        Target: a training loss of at most this, in nats.
    accuracy : float or None
        Target: a test accuracy of at least this, in percent.

    Raises
    ------
    ValueError
        If no limit is given: a target may never be reached.
    """

    seconds: float | None = None
    clock: ClockName = "training"
    steps: int | None = None
    epochs: int | None = None
    loss: float | None = None
    accuracy: float | None = None

    def __post_init__(self) -> None:
        if self.seconds is None and self.steps is None and self.epochs is None:
            raise ValueError("budget: found no limit, expected seconds, steps or epochs")

    def last_step(self, batches_per_epoch: int) -> float:
        """Return the last step that the limits allow; infinite without a limit of steps."""
        steps = float("inf") if self.steps is None else self.steps
        epochs = float("inf") if self.epochs is None else self.epochs * batches_per_epoch
        return min(steps, epochs)

    def seconds_left(self, training_seconds: float, wall_seconds: float) -> float:
        """Return the seconds left; infinite without a limit of seconds."""
        if self.seconds is None:
            return float("inf")
        return self.seconds - (training_seconds if self.clock == "training" else wall_seconds)

    def share_spent(
        self, step: int, batches_per_epoch: int, training_seconds: float, wall_seconds: float
    ) -> float:
        """Return the share spent of the nearest limit; from 0, over 1 if overshot."""
        share = step / self.last_step(batches_per_epoch)
        if self.seconds is not None:
            left = self.seconds_left(training_seconds, wall_seconds)
            share = max(share, 1 - left / self.seconds)
        return share

    def is_target_reached(self, training_loss: float, test_accuracy: float) -> bool:
        """Return whether an evaluation reaches a target."""
        return (self.loss is not None and training_loss <= self.loss) or (
            self.accuracy is not None and test_accuracy >= self.accuracy
        )
