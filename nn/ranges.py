"""The ranges between a run's evaluations in which a target can lie."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from nn import grid
from nn.records import Evaluation
from nn.targets import Crossing, Score, Target

MARGIN = 1.5
"""A target may lie in a range if the loss, or the error rate, at one of its ends is at most so many
times the target's. The margin is smaller for a run whose evaluations scatter little."""

SCATTERS = 3
"""The deepest possible dip between two evaluations, in multiples of their largest scatter."""

FEWEST = 6
"""Fewest evaluations from which scatter is estimated."""


def scores_of(evaluations: Sequence[Evaluation]) -> dict[int, Score]:
    """Return the scores of evaluations by their steps."""
    return {each.step: Score(each.training_loss, each.test_accuracy) for each in evaluations}


def near(scores: Mapping[int, Score], target: Target, margin: float) -> Iterator[tuple[int, int]]:
    """Yield the first and last step of each range within which a target can lie."""
    for start, stop in pairwise(scores):
        has_a_step = grid.after(start) < stop
        if has_a_step and any(target.is_near(scores[each], margin) for each in (start, stop)):
            yield start, stop


def from_evaluations(evaluations: Sequence[Evaluation], target: Target) -> Crossing:
    """Return between which evaluations a run reached a target.

    The second is the first at the target. It may have been reached before, if it can lie between
    two evaluations; the first begins the first such range. Without the second, it may have been
    reached after the first; if there is neither, it was not.
    """
    scores = scores_of(evaluations)
    if target.is_reached(scores[0]):
        return Crossing(0, None, "evaluations")
    possible = set(near(scores, target, margin(scores, target)))
    first = None
    for start, stop in pairwise(scores):
        is_reached = target.is_reached(scores[stop])
        if first is None and (is_reached or (start, stop) in possible):
            first = start
        if is_reached:
            return Crossing(stop, first, "evaluations")
    return Crossing(None, first, "evaluations")


def margin(scores: Mapping[int, Score], target: Target) -> float:
    """Return the largest height, over the target's, at the end of a range that can hold the target.

    A loss may dip to its target between two evaluations, the deeper the more it scatters. Scatter
    is the distance of evaluations near the target from the line between their neighbours, log x
    and log y.
    """
    distances = []
    steps = [step for step in scores if step > 0]
    for before, step, after in zip(steps, steps[1:], steps[2:], strict=False):
        heights = [target.height(scores[each]) for each in (before, step, after)]
        if target.is_near(scores[step], MARGIN**2) and min(heights) > 0:
            first, here, last = map(math.log, heights)
            fraction = math.log(step / before) / math.log(after / before)
            distances.append(abs(here - (1 - fraction) * first - fraction * last))
    if len(distances) < FEWEST or not all(map(math.isfinite, distances)):
        return MARGIN
    return min(MARGIN, math.exp(SCATTERS * max(distances)))
