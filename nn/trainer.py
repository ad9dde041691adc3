"""Training under a budget, with evaluations on a schedule."""

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
"""A run diverges at a loss this many times its first one."""

STRETCH_SECONDS = 1.0
"""The longest stretch of steps without a call of `attend`, to within a step."""

WARM_UP_SECONDS = 0.2


class Trainer:
    """Mini-batch gradient descent until the budget is spent.

    Parameters
    ----------
    state : State
        The state to resume from; its arrays are not changed.
    training, test : Examples
    batches : MiniBatches
        Of the training examples.
    learning_rate : float
    budget : Budget
        Checked after every step, so it is overshot by less than one step.
    schedule : Schedule
    attend : callable
        Called with the trainer after each evaluation and about once a second, between two
        stretches of steps, where training is not timed. Its exceptions end the training.
    clock : Clock
    threads : int
        The number of threads that split the work.
    elementwise : {"numpy", "numexpr"}
        What computes the elementwise functions.
    momentum : float
        See `nn.network.descend`; at least 0, below 1.

    Raises
    ------
    ValueError
        If the batches are of another number of examples, or the momentum is out of bounds.
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
        momentum: float = 0.0,
    ) -> None:
        if batches.n_examples != len(training.labels):  # rows are not checked later
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
        self._engine = Engine(
            state.weights, self._training, threads, elementwise, momentum, state.velocity
        )
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
        """The state now; its arrays are copies."""
        watch = self._stopwatch
        return State(
            self._engine.weights,
            list(self.evaluations),
            self.step,
            watch.training_seconds,
            watch.wall_seconds,
            watch.cpu_seconds,
            list(self.readings),
            self._engine.velocity,
        )

    @property
    def batches_per_epoch(self) -> int:
        """The number of steps in an epoch."""
        return self._batches.per_epoch

    @property
    def share_spent(self) -> float:
        """The share of the budget that is spent; see `Budget.share_spent`."""
        watch = self._stopwatch
        return self._budget.share_spent(
            self.step, self._batches.per_epoch, watch.training_seconds, watch.wall_seconds
        )

    @property
    def threads_used(self) -> dict[str, int]:
        """The numbers of threads in a `step` and in an `evaluation` of the training images."""
        return {
            "step": self._engine.threads_for(self._batches.batch_size),
            "evaluation": self._engine.threads_for(self._batches.n_examples),
        }

    @property
    def subnormals(self) -> str:
        """Whether training has subnormals `flushed` or `kept`."""
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
        """Evaluate and take warm-up steps, to start threads, fill caches and read the data."""
        self._measure()
        until = time.perf_counter() + WARM_UP_SECONDS
        with self._engine.running(), self._engine.unchanged():
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
            Why training stopped: `budget`, a limit is reached; `target`, a target is reached; or
            `diverged`, the loss is not finite, or over `DIVERGED` times the first.
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
        # A run interrupted after its last step must still be evaluated.
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
        """Take steps for about a second at most; return whether an evaluation is due."""
        watch, schedule = self._stopwatch, self._schedule
        due = schedule.next_step(self.step)
        due_second = schedule.next_second(watch.training_seconds)
        # Both clocks run alike within a stretch: one limit serves either.
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
            self.readings.pop()  # that was the last step, off the grid
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
        """Return whether an epoch ends here that the last evaluation did not count."""
        last = self.evaluations[-1]
        return last.step == self.step and last.epoch < self.step // self._batches.per_epoch

    def _measure(self) -> tuple[float, float]:
        with self._engine.running():
            training_loss, _ = self._engine.evaluate(self._training)
            _, test_accuracy = self._engine.evaluate(self._test)
        return training_loss, test_accuracy
