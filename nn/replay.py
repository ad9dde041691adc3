"""Find the steps at which a finished run reached its targets, by repeating some of its steps.

A target is reached at the first step of the grid (`nn.grid`), or at the run's last step, where the
loss over all training images is at most the target, or the test accuracy at least the target. A
timed run evaluates too seldom to find that step. But steps are reproducible bit for bit, so the
range in which a target lies can be trained again with enough evaluations.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from nn import grid, ranges
from nn.batches import MiniBatches
from nn.engine import Engine, ready
from nn.estimator import Estimate, Estimator
from nn.examples import Examples
from nn.network import Floats, Weights
from nn.records import Evaluation
from nn.targets import Crossing, Score, Target

COARSE = 8
"""Steps of the grid from one estimate to the next where no target is near."""


class Snapshot(NamedTuple):
    """A network within a run.

    Attributes
    ----------
    step : int
        Steps taken.
    weights : Weights
    velocity : Weights or None
        As in `nn.records.State`.
    """

    step: int
    weights: Weights
    velocity: Weights | None


Snapshots = Callable[[int, int], Snapshot | None]
"""Return the last known snapshot after the first step, up to and including the second."""


class MismatchError(Exception):
    """The steps of a run lead to another loss here: its processor or versions differ."""


class Replay:
    """A repetition of a run's steps.

    Parameters
    ----------
    weights : Weights
        The initial weights.
    training, test : Examples
    batches : MiniBatches
    learning_rate : float
    snapshots : callable
        See `Snapshots`.
    threads : int
        As in the run: rounding depends on it.
    elementwise : {"numpy", "numexpr"}
    momentum : float
    """

    def __init__(
        self,
        weights: Weights,
        training: Examples,
        test: Examples,
        batches: MiniBatches,
        learning_rate: float,
        snapshots: Snapshots = lambda after, until: None,
        threads: int = 1,
        elementwise: str = "numpy",
        momentum: float = 0.0,
    ) -> None:
        self.step = 0
        self._training = ready(training)
        self._estimator = Estimator(len(training.labels))
        self._sample = ready(training.take(self._estimator.rows))
        self._test = ready(test)
        self._engine = Engine(weights, self._training, threads, elementwise, momentum)
        self._batches = batches
        self._learning_rate = learning_rate
        self._snapshots = snapshots

    @property
    def snapshot(self) -> Snapshot:
        """The network now; its arrays are copies."""
        return Snapshot(self.step, self._engine.weights, self._engine.velocity)

    def skip_to(self, step: int) -> None:
        """Go forward to a step, from the last snapshot on the way."""
        if known := self._snapshots(self.step, step):
            self.restore(known)
        self.go_to(step)

    def go_to(self, step: int) -> None:
        """Go forward to a step, by all steps on the way."""
        with self._engine.running():
            for each in range(self.step, step):
                self._engine.descend(self._training, self._batches.rows(each), self._learning_rate)
        self.step = step

    def restore(self, snapshot: Snapshot) -> None:
        """Continue from a snapshot."""
        self._engine.restore(snapshot.weights, snapshot.velocity)
        self.step = snapshot.step

    def loss(self) -> float:
        """Compute the loss over all training images."""
        with self._engine.running():
            return self._engine.evaluate(self._training)[0]

    def estimate(self) -> Estimate:
        """Estimate the loss over all training images."""
        return self._estimator.estimate(self._sample_losses())

    def know(self, loss: float) -> None:
        """Take the loss over all training images at this step as known: estimates begin from it."""
        self._estimator.begin_from(loss, self._sample_losses())

    def accuracy(self) -> float:
        """Compute the accuracy on the test images, in percent."""
        with self._engine.running():
            return self._engine.evaluate(self._test)[1]

    def _sample_losses(self) -> Floats:
        with self._engine.running():
            return self._engine.losses(self._sample)


def find_crossings(
    evaluations: Sequence[Evaluation], targets: Sequence[Target], replay: Replay
) -> list[Crossing]:
    """Return the step at which a run reached each target.

    Of the ranges between two evaluations, only those in which a target can lie are repeated: the
    loss, or the error rate, at one of the ends is within a margin of the target's (`nn.ranges`). A
    range is checked at each eighth step of the grid, and at each step where that holds again. After
    the last of consecutive ranges the loss must be the run's; else, what was found in them is taken
    from the evaluations.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        All of the run's, from step 0 to its last.
    targets : sequence of Target
    replay : Replay
        At step 0.

    Returns
    -------
    list of Crossing
        In the order of the targets.
    """
    scores = ranges.scores_of(evaluations)
    last = max(scores)
    margins = {each: ranges.margin(scores, each) for each in targets}
    near = {each: set(ranges.near(scores, each, margin)) for each, margin in margins.items()}
    found = {each: Crossing(0, None, "grid") for each in targets if each.is_reached(scores[0])}
    checked = dict(found)
    walk = _Walk(replay, scores, margins)
    try:
        for start, stop in pairwise(scores):
            pending = [each for each in targets if each not in found]
            steps = {}
            is_near = any((start, stop) in near[target] for target in pending)
            if is_near:
                if replay.step < start:
                    walk.check()
                    checked = dict(found)
                    replay.skip_to(start)
                steps = walk.find(start, stop, pending)
            if grid.contains(stop) or stop == last:
                steps = {each: stop for each in pending if each.is_reached(scores[stop])} | steps
            found |= {each: Crossing(at, grid.before(at), "grid") for each, at in steps.items()}
        walk.check()
    except MismatchError:
        return [checked.get(each) or ranges.from_evaluations(evaluations, each) for each in targets]
    return [found.get(each, Crossing(None, None, "grid")) for each in targets]


class _Walk:
    """A repetition of a run's steps, range after range."""

    def __init__(
        self, replay: Replay, scores: Mapping[int, Score], margins: Mapping[Target, float]
    ) -> None:
        self._replay = replay
        self._scores = scores
        self._margins = margins
        self._is_checked = True
        self._pending: list[Target] = []
        self._found: dict[Target, int] = {}

    def find(self, start: int, stop: int, targets: Sequence[Target]) -> dict[Target, int]:
        """Go from one evaluation to the next; return the steps of targets reached between them."""
        replay = self._replay
        self._is_checked = False
        self._pending, self._found = list(targets), {}
        score = self._scores[start]
        if any(target.metric == "loss" for target in targets):
            replay.know(score.loss)
        for point in (*grid.between(start, stop)[COARSE - 1 :: COARSE], stop):
            known = replay.snapshot
            near = self._near(score)
            self._go_to(point, near)
            score, error = (
                self._estimate(self._pending) if point < stop else (self._scores[stop], 0)
            )
            if late := [target for target in self._near(score) if target not in near]:
                replay.restore(known)
                self._go_to(point, late)
            if point < stop:
                self._look(score, error, self._pending)
            if not self._pending:
                break
        replay.go_to(stop)
        return self._found

    def check(self) -> None:
        """Hold the loss, after all steps since the last check, against the run's.

        Raises
        ------
        MismatchError
            If it is not bit for bit the same.
        """
        loss = self._scores[self._replay.step].loss
        if not (self._is_checked or _is_same(self._replay.loss(), loss)):
            raise MismatchError
        self._is_checked = True

    def _near(self, score: Score) -> list[Target]:
        return [each for each in self._pending if each.is_near(score, self._margins[each])]

    def _go_to(self, point: int, targets: Sequence[Target]) -> None:
        """Go to a step; check some targets at each step of the grid before it."""
        for step in grid.between(self._replay.step, point):
            if not (pending := [target for target in targets if target in self._pending]):
                break
            self._replay.go_to(step)
            self._look(*self._estimate(pending), pending)
        self._replay.go_to(point)

    def _estimate(self, targets: Sequence[Target]) -> tuple[Score, float]:
        """Estimate the loss, or compute the accuracy, as targets need; and the loss's error."""
        metrics = {target.metric for target in targets}
        nothing = Estimate(math.nan, math.nan)
        loss, error = self._replay.estimate() if "loss" in metrics else nothing
        accuracy = self._replay.accuracy() if "accuracy" in metrics else math.nan
        return Score(loss, accuracy), error

    def _look(self, score: Score, error: float, targets: Sequence[Target]) -> None:
        """Record the targets that are reached now; `score` has an estimated loss."""
        lowest = score._replace(loss=score.loss - error)
        if any(each.metric == "loss" and each.is_reached(lowest) for each in targets):
            loss = self._replay.loss()
            self._replay.know(loss)
            score = score._replace(loss=loss)
        reached = [target for target in targets if target.is_reached(score)]
        self._found |= dict.fromkeys(reached, self._replay.step)
        self._pending = [target for target in self._pending if target not in reached]


def _is_same(loss: float, other: float) -> bool:
    return loss == other or (math.isnan(loss) and math.isnan(other))
