"""Training under a budget, with an evaluation now and then."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from nn import engine
from nn.batches import MiniBatches
from nn.budget import Budget
from nn.examples import Examples
from nn.network import Weights
from nn.schedule import Schedule
from nn.stopwatch import Clock, Stopwatch


@dataclass(frozen=True)
class Evaluation:
    """What is known of the network after a step.

    Attributes
    ----------
    step : int
        Steps taken; 0 is before the first.
    epoch : int
        Epochs completed.
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


@dataclass
class Trainer:
    """Mini-batch gradient descent until the budget is spent.

    Attributes
    ----------
    weights : Weights
        Where to start; changed in place.
    training, test : Examples
    batches : MiniBatches
        Over the training examples.
    learning_rate : float
    budget : Budget
        Looked at after every step, so it is overshot by one step at the most.
    schedule : Schedule
        When to evaluate, beside the beginning and the end.
    observe : callable
        Called with each evaluation as it is made.
    clock : Clock
    step : int
        Steps taken.
    evaluations : list of Evaluation
        In the order of their steps; the first is before the first step, the last after the last.
    """

    weights: Weights
    training: Examples
    test: Examples
    batches: MiniBatches
    learning_rate: float
    budget: Budget
    schedule: Schedule
    observe: Callable[[Evaluation], None] = lambda evaluation: None
    clock: Clock = field(default_factory=Clock)
    step: int = 0
    evaluations: list[Evaluation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stopwatch = Stopwatch(self.clock)
        self._evaluation_seconds = 0.0
        self._last_step = self.budget.last_step(self.batches.per_epoch)

    def run(self) -> str:
        """Train.

        Returns
        -------
        str
            Why training stopped: `budget`.
        """
        # A network that blows up is a result: its loss says so, NumPy need not.
        with np.errstate(over="ignore", invalid="ignore"):
            self._evaluate()
            while not self._is_budget_spent():
                self._train_until_next_evaluation()
                self._evaluate()
        return "budget"

    def _is_budget_spent(self) -> bool:
        return self.step >= self._last_step or self._seconds_left() <= 0

    def _seconds_left(self) -> float:
        if self.budget.seconds is None:
            return float("inf")
        if self.budget.clock == "wall":
            return self.budget.seconds - self._stopwatch.wall_seconds
        return self.budget.seconds - self._stopwatch.training_seconds

    def _train_until_next_evaluation(self) -> None:
        due = self.schedule.next_step(self.step)
        # Within a stretch both clocks run alike, so one limit serves a budget of either.
        limit = self._stopwatch.training_seconds + self._seconds_left()
        self._stopwatch.start()
        while True:
            engine.descend(
                self.weights, self.training, self.batches.rows(self.step), self.learning_rate
            )
            self.step += 1
            seconds = self._stopwatch.read()
            if seconds >= limit or self.step >= self._last_step:
                break
            if self.step >= due:
                if self._affords_evaluation():
                    break
                due = self.schedule.next_step(self.step)
        self._stopwatch.stop()

    def _affords_evaluation(self) -> bool:
        with_next = self._evaluation_seconds * (1 + 1 / len(self.evaluations))
        return self.schedule.affords(
            with_next, self._stopwatch.training_seconds, self.budget.seconds
        )

    def _evaluate(self) -> None:
        started = self.clock.wall()
        training_loss, _ = engine.evaluate(self.weights, self.training)
        _, test_accuracy = engine.evaluate(self.weights, self.test)
        self._evaluation_seconds += self.clock.wall() - started
        evaluation = Evaluation(
            step=self.step,
            epoch=self.step // self.batches.per_epoch,
            examples=self.batches.examples_after(self.step),
            training_seconds=self._stopwatch.training_seconds,
            wall_seconds=self._stopwatch.wall_seconds,
            cpu_seconds=self._stopwatch.cpu_seconds,
            training_loss=training_loss,
            test_accuracy=test_accuracy,
        )
        self.evaluations.append(evaluation)
        self.observe(evaluation)
