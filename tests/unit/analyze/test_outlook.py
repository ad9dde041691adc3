"""When a run will probably reach a target."""

import math

import pytest

from batch_race.analyze.outlook import expected_step
from nn.records import Evaluation
from nn.targets import Target

STEPS = [0, 1, 2, 5, 10, 20, 40, 60, 80, 100]


def evaluations(loss, accuracy=lambda step: 10.0, steps=STEPS):
    return [
        Evaluation(step, 0, step, step / 10, step / 5, step / 10, loss(step), accuracy(step))
        for step in steps
    ]


@pytest.mark.parametrize("power", [0.3, 1, 2])
def test_a_power_of_the_steps_is_followed(power):
    falling = evaluations(lambda step: 2.0 * max(step, 1) ** -power)
    goal = 2.0 * 350**-power
    assert expected_step(falling, Target("loss", goal)) == pytest.approx(350)


def test_an_accuracy_is_followed_by_its_error_rate():
    rising = evaluations(lambda step: math.nan, lambda step: 100 - 80 / max(step, 1) ** 0.5)
    assert expected_step(rising, Target("accuracy", 100 - 80 / 20)) == pytest.approx(400)


def test_what_was_long_ago_does_not_count():
    bent = evaluations(lambda step: 5.0 if step < 40 else 2.0 / step)
    assert expected_step(bent, Target("loss", 0.01)) == pytest.approx(200)


def test_a_run_is_there_a_little_sooner_if_its_loss_falls_faster_in_the_end():
    def loss(step):
        return 2.3 * math.exp(-step / 80) / (1 + step / 10)

    falling = evaluations(loss)
    there = next(step for step in range(100, 1000) if loss(step) <= 0.03)
    assert there < expected_step(falling, Target("loss", 0.03)) < 1.3 * there


@pytest.mark.parametrize(
    "loss",
    [
        lambda step: 2.0,
        lambda step: 1.0 + step,
        lambda step: math.inf,
        lambda step: math.nan,
        lambda step: 2.0 - step / 1e6,
    ],
)
def test_nothing_is_expected_of_a_run_that_does_not_improve(loss):
    assert expected_step(evaluations(loss), Target("loss", 0.5)) == math.inf


@pytest.mark.parametrize("steps", [[0], [0, 1], [0, 1, 2]])
def test_nothing_is_expected_after_too_few_evaluations(steps):
    falling = evaluations(lambda step: 1 / (1 + step), steps=steps)
    assert expected_step(falling, Target("loss", 0.01)) == math.inf


@pytest.mark.parametrize("target", [Target("accuracy", 100.0), Target("loss", 0.0)])
def test_nothing_is_expected_at_a_target_that_a_power_never_reaches(target):
    falling = evaluations(lambda step: 1 / (1 + step), lambda step: 100 - 80 / (1 + step))
    assert expected_step(falling, target) == math.inf
