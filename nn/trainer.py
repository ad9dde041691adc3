"""Training under a budget, with an evaluation now and then."""

import time
from collections.abc import Callable

from nn import grid
from nn.batches import MiniBatches
from nn.budget import Budget
from nn.engine import Engine, ready
from nn.examples import Examples
from nn.records import Evaluation, Reading, State
from nn.schedule import Schedule
from nn.stopwatch import Clock, Stopwatch

DIVERGED = 10
"""A loss this many times the first is no longer a search for a minimum."""

STRETCH_SECONDS = 1.0
"""The longest that training goes on without a look at anything else, give or take a step."""

WARM_UP_SECONDS = 0.2


class Trainer:
    """Mini-batch gradient descent until the budget is spent.

    Parameters
    ----------
    state : State
        Where to resume; its weights are not changed.
    training, test : Examples
        Labelled by class indices or one-hot rows.
    batches : MiniBatches
        Over the training examples.
    learning_rate : float
    budget : Budget
        Checked after every step, so it is overshot by one step at the most.
    schedule : Schedule
        When to evaluate, beside the beginning and the end.
    attend : callable
        Called with the trainer between two stretches of steps, off the training clock: after
        each evaluation, and about once a second. What it raises ends the training.
    clock : Clock
    threads : int
        How many share the work.
    elementwise : {"numpy", "numexpr"}
        What computes the elementwise functions.

    Raises
    ------
    ValueError
        If the batches are not over as many examples as there are to learn from.
    """

    def __init__(
        self,
        state: State,
        training: Examples,
        test: Examples,
        batches: MiniBatches,
        learning_rate: float,
        budget: Budget,
        schedule: Schedule,
        attend: "Callable[[Trainer], None]" = lambda trainer: None,
        clock: Clock | None = None,
        threads: int = 1,
        elementwise: str = "numpy",
    ) -> None:
        if batches.n_examples != len(training.labels):  # their rows are checked no further
            raise ValueError(
                f"batches: found those of {batches.n_examples} examples, "
                f"expected {len(training.labels)}"
            )
        self.evaluations = list(state.evaluations)
        self.readings = list(state.readings)
        self.step = state.step
        self._start = state
        self._training = ready(training)
        self._test = ready(test)
        self._engine = Engine(state.weights, self._training, threads, elementwise)
        self._batches = batches
        self._learning_rate = learning_rate
        self._budget = budget
        self._schedule = schedule
        self._attend = attend
        self._clock = clock or Clock()
        self._stopwatch = Stopwatch(self._clock)
        self._last_step = budget.last_step(batches.per_epoch)

    @property
    def state(self) -> State:
        """The state now; its weights are a copy."""
        watch = self._stopwatch
        return State(
            self._engine.weights,
            list(self.evaluations),
            self.step,
            watch.training_seconds,
            watch.wall_seconds,
            watch.cpu_seconds,
            list(self.readings),
        )

    @property
    def batches_per_epoch(self) -> int:
        """The number of steps in an epoch."""
        return self._batches.per_epoch

    @property
    def share_spent(self) -> float:
        """What share of the budget is spent."""
        watch = self._stopwatch
        return self._budget.share_spent(
            self.step, self._batches.per_epoch, watch.training_seconds, watch.wall_seconds
        )

    @property
    def threads_used(self) -> dict[str, int]:
        """How many threads share a `step`, and how many an `evaluation` of the training images."""
        return {
            "step": self._engine.threads_for(self._batches.batch_size),
            "evaluation": self._engine.threads_for(self._batches.n_examples),
        }

    @property
    def subnormals(self) -> str:
        """What becomes of subnormals while the network is trained: `flushed` or `kept`."""
        return "flushed" if self._engine.flushes_subnormals() else "kept"

    @property
    def training_seconds(self) -> float:
        """Seconds spent on the steps alone."""
        return self._stopwatch.training_seconds

    @property
    def wall_seconds(self) -> float:
        """Seconds since the start."""
        return self._stopwatch.wall_seconds

    def warm_up(self) -> None:
        """Pay first-call costs before the clocks start: threads, caches, the data's pages."""
        self._measure()
        until = time.perf_counter() + WARM_UP_SECONDS
        with self._engine.running():
            for step in range(self.step, self.step + 1000):
                rows = self._batches.rows(step)
                self._engine.descend(self._training, rows, learning_rate=0.0)
                if time.perf_counter() > until:
                    break

    def run(self) -> str:
        """Train.

        Returns
        -------
        str
            Why training stopped: `budget`; `target`, one of the budget's was reached; or
            `diverged`, the loss is not finite any more, or 10 times the first.
        """
        start = self._start
        self._stopwatch = Stopwatch(
            self._clock, start.training_seconds, start.wall_seconds, start.cpu_seconds
        )
        if not self.evaluations:
            self._evaluate()
        while not (reason := self._reason_to_stop()):
            if not self._has_uncounted_epoch():
                self._train_until_next_evaluation()
            self._evaluate()
        return reason

    def _reason_to_stop(self) -> str:
        last, first = self.evaluations[-1], self.evaluations[0]
        if self.step == last.step:
            if not last.training_loss <= DIVERGED * first.training_loss:  # so is NaN
                return "diverged"
            if self._budget.is_target_reached(last.training_loss, last.test_accuracy):
                return "target"
        is_spent = self.step >= self._last_step or self._seconds_left() <= 0
        # A run that was interrupted after its last step still has to be evaluated.
        return "budget" if is_spent and self.step == last.step else ""

    def _seconds_left(self) -> float:
        watch = self._stopwatch
        return self._budget.seconds_left(watch.training_seconds, watch.wall_seconds)

    def _train_until_next_evaluation(self) -> None:
        is_due = False
        while not is_due and self.step < self._last_step and self._seconds_left() > 0:
            with self._engine.running():
                is_due = self._train_a_stretch()
            if not is_due:
                self._attend(self)

    def _train_a_stretch(self) -> bool:
        """Take steps for a second at the most; return whether an evaluation is due."""
        watch, schedule = self._stopwatch, self._schedule
        due = schedule.next_step(self.step)
        due_second = schedule.next_second(watch.training_seconds)
        # Within a stretch both clocks run alike, so one limit serves a budget of either.
        limit = watch.training_seconds + min(self._seconds_left(), STRETCH_SECONDS)
        last_step = self._last_step
        read: list[tuple[int, float]] = []
        next_reading = grid.after(self.step)
        if self.step == self.evaluations[-1].step:
            self._engine.warm_up(self._training, self._batches.rows(self.step))
        watch.start()
        while True:
            rows = self._batches.rows(self.step)
            self._engine.descend(self._training, rows, self._learning_rate)
            self.step += 1
            seconds = watch.read()
            if self.step == next_reading:
                read.append((self.step, seconds))
                next_reading = grid.after(self.step)
            if self.step >= due or seconds >= due_second:
                if self._affords_evaluation():
                    is_due = True
                    break
                due = schedule.next_step(self.step)
            if seconds >= limit or self.step >= last_step:
                is_due = False
                break
        watch.stop()
        if grid.before(next_reading) != self.step:
            read.append((self.step, seconds))
        if not grid.contains(self.readings[-1].step):
            self.readings.pop()  # it was the last step, and is no longer
        self.readings += [Reading(step, spent, spent + watch.offset) for step, spent in read]
        return is_due

    def _affords_evaluation(self) -> bool:
        watch = self._stopwatch
        spent = watch.wall_seconds - watch.training_seconds
        with_next = spent * (1 + 1 / len(self.evaluations))
        return self._schedule.affords(with_next, watch.training_seconds, self._budget.seconds)

    def _evaluate(self) -> None:
        training_loss, test_accuracy = self._measure()
        watch = self._stopwatch
        self.evaluations.append(
            Evaluation(
                step=self.step,
                epoch=self._counted_epochs(),
                examples=self._batches.examples_after(self.step),
                training_seconds=watch.training_seconds,
                wall_seconds=watch.wall_seconds,
                cpu_seconds=watch.cpu_seconds,
                training_loss=training_loss,
                test_accuracy=test_accuracy,
            )
        )
        self._attend(self)

    def _counted_epochs(self) -> int:
        is_first_here = not self.evaluations or self.evaluations[-1].step < self.step
        counts_late = self._schedule.twice_at_epoch_end and is_first_here
        return max(0, self.step - counts_late) // self._batches.per_epoch

    def _has_uncounted_epoch(self) -> bool:
        """Return whether an epoch ends here that its first evaluation did not count."""
        last = self.evaluations[-1]
        return last.step == self.step and last.epoch < self.step // self._batches.per_epoch

    def _measure(self) -> tuple[float, float]:
        with self._engine.running():
            training_loss, _ = self._engine.evaluate(self._training)
            _, test_accuracy = self._engine.evaluate(self._test)
        return training_loss, test_accuracy
