"""When a run that has not yet reached a target will probably reach it."""

import math
from collections.abc import Sequence

import numpy as np

from nn.records import Evaluation
from nn.targets import Score, Target

_SHARE = 0.4
"""The part of a run's steps before those that say how it goes on."""

_FEWEST = 3
"""Evaluations, at the fewest, that say how a run goes on."""

_MOST = math.log(1000)
"""The logarithm of how much longer a run may take."""


def expected_step(evaluations: Sequence[Evaluation], target: Target) -> float:
    """Return the step at which a run will probably reach a target; infinite if it does not improve.

    The loss, or the error rate, is taken to go on as a power of the steps, from the last evaluation
    with the slope of the least squares through those of the last part of the run. Training losses
    fall faster than that in the end: most runs are there a little sooner.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        All of the run's, from step 0 to its last.
    target : Target
        One that the last evaluation is not at.
    """
    last = evaluations[-1].step
    part = [each for each in evaluations[1:] if each.step >= _SHARE * last]
    part = max(part, list(evaluations[1:][-_FEWEST:]), key=len)
    heights = [target.height(Score(each.training_loss, each.test_accuracy)) for each in part]
    if len({each.step for each in part}) < _FEWEST or not all(map(math.isfinite, heights)):
        return math.inf
    goal = target.height(Score(target.value, target.value))
    if min(*heights, goal) <= 0:
        return math.inf
    slope = float(np.polyfit(np.log([each.step for each in part]), np.log(heights), 1)[0])
    left = math.log(goal / heights[-1])
    return last * math.exp(left / slope) if left > _MOST * slope else math.inf
