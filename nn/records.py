"""The records of a run: evaluations, readings of its clocks, and the state to resume from."""

from dataclasses import dataclass, field

from nn.network import Weights


@dataclass(frozen=True)
class Evaluation:
    """The scores and costs of a run after a step.

    Attributes
    ----------
    step : int
        Steps taken; 0 is before the first.
    epoch : int
        Epochs completed. With `Schedule.twice_at_epoch_end`, an epoch counts from the second
        evaluation at its end.
    examples : int
        Examples trained on, repeated ones included.
    training_seconds : float
        Seconds spent on the steps alone.
    wall_seconds : float
        Seconds since the start, this evaluation included.
    cpu_seconds : float
        CPU seconds spent on the steps alone.
    training_loss : float
        Mean cross-entropy over all training images, in nats.
    test_accuracy : float
        Percentage of the test images that are classified correctly.
    """

    step: int
    epoch: int
    examples: int
    training_seconds: float
    wall_seconds: float
    cpu_seconds: float
    training_loss: float
    test_accuracy: float


@dataclass(frozen=True)
class Reading:
    """The clocks at the end of a step.

    Attributes
    ----------
    step : int
    training_seconds, wall_seconds : float
        As in `Evaluation`, but without the evaluation after this step.
    """

    step: int
    training_seconds: float
    wall_seconds: float


@dataclass(frozen=True)
class State:
    """All that training needs to resume as if it had never stopped.

    Attributes
    ----------
    weights : Weights
    evaluations : list of Evaluation
        In the order of their steps; the first is before the first step.
    step : int
        Steps taken, which determine the next mini-batch.
    training_seconds, wall_seconds, cpu_seconds : float
        As in `Evaluation`, now.
    readings : list of Reading
        At each step of the grid (`nn.grid`), and at the last step taken.
    velocity : Weights or None
        What the last step added to the weights, where the next one depends on it: with momentum.
    """

    weights: Weights
    evaluations: list[Evaluation] = field(default_factory=list)
    step: int = 0
    training_seconds: float = 0.0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    readings: list[Reading] = field(default_factory=lambda: [Reading(0, 0.0, 0.0)])
    velocity: Weights | None = None
