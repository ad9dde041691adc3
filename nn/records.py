"""What is recorded of a run: evaluations, readings of its clocks, and the state to resume from."""

from dataclasses import dataclass, field

from nn.network import Weights


@dataclass(frozen=True)
class Evaluation:
    """What is known of the network after a step.

    Attributes
    ----------
    step : int
        Steps taken; 0 is before the first.
    epoch : int
        Epochs completed. With `Schedule.twice_at_epoch_end`, an epoch is not counted before the
        second evaluation at its end.
    examples : int
        Examples looked at, repeated ones included.
    training_seconds : float
        Seconds spent on the steps alone.
    wall_seconds : float
        Seconds since the start, this evaluation included.
    cpu_seconds : float
        CPU seconds spent on the steps alone.
    training_loss : float
        Mean cross-entropy over all training images, in nats.
    test_accuracy : float
        Percentage of the test images that are classified rightly.
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
        As in `Evaluation`, but that no evaluation after this step is included.
    """

    step: int
    training_seconds: float
    wall_seconds: float


@dataclass(frozen=True)
class State:
    """All that training needs to go on as if it had never stopped.

    Attributes
    ----------
    weights : Weights
    evaluations : list of Evaluation
        In the order of their steps; the first is before the first step.
    step : int
        Steps taken. It says where in which epoch the next batch lies, shuffled or not.
    training_seconds, wall_seconds, cpu_seconds : float
        As in `Evaluation`, now.
    readings : list of Reading
        At each step of the grid (`nn.grid`), and at the last step taken.
    """

    weights: Weights
    evaluations: list[Evaluation] = field(default_factory=list)
    step: int = 0
    training_seconds: float = 0.0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    readings: list[Reading] = field(default_factory=lambda: [Reading(0, 0.0, 0.0)])
