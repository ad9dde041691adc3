"""Find the steps at which a finished run reached its targets, by taking some of its steps again.

A target is reached at the first step of the grid (`nn.grid`), or the run's last step, after which
the loss over all training images is at or below it, or the test accuracy at or above it. A timed
run evaluates too seldom to see that step. But steps are reproducible bit for bit, so the range in
which a target lies can be trained again, with as many evaluations as it takes.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from nn import grid
from nn.batches import MiniBatches
from nn.engine import Engine, ready
from nn.examples import Examples
from nn.network import Weights
from nn.records import Evaluation
from nn.targets import Crossing, Score, Target

MARGIN = 1.5
"""A target may lie in a range where the loss, or the error rate, is at most so many times the
target's at one of its ends; in less than that of a run whose evaluations scatter little."""

SCATTERS = 3
"""How many times the largest scatter of a run's evaluations a dip between two may be deep."""

FEWEST = 6
"""Evaluations that say how much a run scatters."""

COARSE = 8
"""Steps of the grid from one look to the next where no target is near."""

SAMPLE = 5000
"""Training images, at least, that the loss is estimated on."""

DOUBT = 1.15
"""The loss over all images is computed where the estimate is at most so many times a target."""

Snapshots = Callable[[int, int], tuple[int, Weights] | None]
"""Return the furthest weights known after the first step up to the second, with their step."""


class MismatchError(Exception):
    """The steps of a run lead to another loss here: its processor or versions differ."""


class Replay:
    """A run's network, taken through its steps again.

    Parameters
    ----------
    weights : Weights
        The initial ones.
    training, test : Examples
    batches : MiniBatches
    learning_rate : float
    snapshots : callable
        Weights on the way; see `Snapshots`.
    threads : int
        As in the run: the rounding depends on it.
    elementwise : {"numpy", "numexpr"}
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
    ) -> None:
        self.step = 0
        self._training = ready(training)
        self._sample = ready(training.every(max(1, len(training.labels) // SAMPLE)))
        self._test = ready(test)
        self._engine = Engine(weights, self._training, threads, elementwise)
        self._batches = batches
        self._learning_rate = learning_rate
        self._snapshots = snapshots

    @property
    def weights(self) -> Weights:
        """The weights now, a copy."""
        return self._engine.weights

    def go_to(self, step: int) -> None:
        """Go forward to a step, from the nearest weights that are known."""
        if known := self._snapshots(self.step, step):
            self.go_back(*known)
        with self._engine.running():
            for each in range(self.step, step):
                self._engine.descend(self._training, self._batches.rows(each), self._learning_rate)
        self.step = step

    def go_back(self, step: int, weights: Weights) -> None:
        """Take the weights after a step."""
        self._engine.weights = weights
        self.step = step

    def loss(self) -> float:
        """Compute the loss over all training images."""
        with self._engine.running():
            return self._engine.evaluate(self._training)[0]

    def sample_loss(self) -> float:
        """Compute the loss over a sample of the training images."""
        with self._engine.running():
            return self._engine.evaluate(self._sample)[0]

    def accuracy(self) -> float:
        """Compute the accuracy on the test images, in percent."""
        with self._engine.running():
            return self._engine.evaluate(self._test)[1]


def find_crossings(
    evaluations: Sequence[Evaluation], targets: Sequence[Target], replay: Replay
) -> list[Crossing]:
    """Find where a run reached each target.

    Only ranges between two evaluations in which a target can lie are taken again: those at one of
    whose ends the loss, or the error rate, is within a margin of the target's (`_margin`). In a
    range each eighth step of the grid is looked at, and each one where that is so again.

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
        Of each target.
    """
    scores = {each.step: Score(each.training_loss, each.test_accuracy) for each in evaluations}
    last = max(scores)
    margins = {each: _margin(scores, each) for each in targets}
    found = {each: Crossing(0, None, "grid") for each in targets if each.is_reached(scores[0])}
    for start, stop in pairwise(scores):
        pending = {each: margin for each, margin in margins.items() if each not in found}
        ends = scores[start], scores[stop]
        steps = {}
        is_near = any(
            target.is_near(score, margin) for target, margin in pending.items() for score in ends
        )
        if is_near and grid.between(start, stop):
            try:
                steps = _Walk(replay, start, stop, *ends, pending).find()
            except MismatchError:
                return [found.get(each) or _from_evaluations(scores, each) for each in targets]
        if grid.contains(stop) or stop == last:
            steps = {each: stop for each in pending if each.is_reached(scores[stop])} | steps
        found |= {each: Crossing(step, grid.before(step), "grid") for each, step in steps.items()}
    return [found.get(each, Crossing(None, None, "grid")) for each in targets]


class _Walk:
    """A range between two evaluations, taken again."""

    def __init__(
        self,
        replay: Replay,
        start: int,
        stop: int,
        score: Score,
        end: Score,
        targets: Mapping[Target, float],
    ) -> None:
        self._replay = replay
        self._start = start
        self._stop = stop
        self._score = score
        self._end = end
        self._margins = targets
        self._pending = list(targets)
        self._found: dict[Target, int] = {}
        self._factor = 1.0
        """The loss over all images as a multiple of that over the sample, when last computed."""

    def find(self) -> dict[Target, int]:
        """Find the targets that are reached in the range before its end, and the step of each.

        Raises
        ------
        MismatchError
            If the loss at the end of the range is not bit for bit the run's.
        """
        replay = self._replay
        replay.go_to(self._start)
        if any(target.metric == "loss" for target in self._pending):
            self._scale(self._score.loss, replay.sample_loss())
        points = grid.between(self._start, self._stop)
        score = self._score
        for point in (*points[COARSE - 1 :: COARSE], self._stop):
            known = replay.step, replay.weights
            near = self._near(score)
            self._go_to(point, near)
            score = self._estimate(self._pending) if point < self._stop else self._end
            if late := [target for target in self._near(score) if target not in near]:
                replay.go_back(*known)
                self._go_to(point, late)
            if point < self._stop:
                self._look(score, self._pending)
            if not self._pending:
                break
        replay.go_to(self._stop)
        if not _is_same(replay.loss(), self._end.loss):
            raise MismatchError
        return self._found

    def _near(self, score: Score) -> list[Target]:
        return [each for each in self._pending if each.is_near(score, self._margins[each])]

    def _go_to(self, point: int, targets: Sequence[Target]) -> None:
        """Go to a step; look for some targets at each step of the grid before it."""
        for step in grid.between(self._replay.step, point):
            if not (pending := [target for target in targets if target in self._pending]):
                break
            self._replay.go_to(step)
            self._look(self._estimate(pending), pending)
        self._replay.go_to(point)

    def _estimate(self, targets: Sequence[Target]) -> Score:
        """Estimate what some targets are about; the accuracy is exact."""
        metrics = {target.metric for target in targets}
        return Score(
            self._factor * self._replay.sample_loss() if "loss" in metrics else math.nan,
            self._replay.accuracy() if "accuracy" in metrics else math.nan,
        )

    def _look(self, score: Score, targets: Sequence[Target]) -> None:
        """Find those of some targets that are reached where the replay is, by an estimate."""
        if any(each.metric == "loss" and each.is_near(score, DOUBT) for each in targets):
            loss = self._replay.loss()
            self._scale(loss, score.loss / self._factor)
            score = score._replace(loss=loss)
        reached = [target for target in targets if target.is_reached(score)]
        self._found |= dict.fromkeys(reached, self._replay.step)
        self._pending = [target for target in self._pending if target not in reached]

    def _scale(self, loss: float, sample_loss: float) -> None:
        if sample_loss > 0 and math.isfinite(factor := loss / sample_loss):
            self._factor = factor


def _margin(scores: Mapping[int, Score], target: Target) -> float:
    """Return how many times the target's height the end of a range may be at, for it to lie within.

    A loss may dip to its target between two evaluations, the deeper the more it scatters. That is
    how far evaluations near the target are off the line between their neighbours, on logarithmic
    axes.
    """
    offs = []
    steps = [step for step in scores if step > 0]
    for before, step, after in zip(steps, steps[1:], steps[2:], strict=False):
        heights = [target.height(scores[each]) for each in (before, step, after)]
        if target.is_near(scores[step], MARGIN**2) and min(heights) > 0:
            first, here, last = map(math.log, heights)
            share = math.log(step / before) / math.log(after / before)
            offs.append(abs(here - (1 - share) * first - share * last))
    if len(offs) < FEWEST or not all(map(math.isfinite, offs)):
        return MARGIN
    return min(MARGIN, math.exp(SCATTERS * max(offs)))


def _is_same(loss: float, other: float) -> bool:
    return loss == other or (math.isnan(loss) and math.isnan(other))


def _from_evaluations(scores: dict[int, Score], target: Target) -> Crossing:
    """Give the two evaluations that a run reached a target between."""
    for before, step in pairwise(scores):
        if target.is_reached(scores[step]):
            return Crossing(step, before, "evaluations")
    return Crossing(None, None, "evaluations")
