"""The trainer's loop, on a clock that tells what the test says."""

import itertools
import math

import numpy as np
import pytest

from nn.batches import MiniBatches
from nn.budget import Budget
from nn.examples import Examples
from nn.initializers import normal
from nn.schedule import Schedule
from nn.stopwatch import Clock
from nn.trainer import Trainer

STEP_SECONDS = 0.25
EVALUATION_SECONDS = 3.0


class FakeTime:
    """Time that passes only where the engine works: so long a step, so long an evaluation."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        self.clock = Clock(wall=lambda: self.now, cpu=lambda: 2 * self.now)
        engine = "nn.trainer.engine"
        monkeypatch.setattr(f"{engine}.descend", lambda *_: self.pass_by(STEP_SECONDS))
        monkeypatch.setattr(f"{engine}.evaluate", self.evaluate)

    def pass_by(self, seconds):
        self.now += seconds

    def evaluate(self, *_):
        # The trainer evaluates on two sets of images; each takes half.
        self.pass_by(EVALUATION_SECONDS / 2)
        return 1.5, 50.0


def trainer(budget, schedule=None, clock=None, n_examples=20, batch_size=4, **options):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (n_examples, 9), dtype=np.uint8)
    examples = Examples(images, random.integers(0, 10, n_examples), (1 / 255, 0.0))
    return Trainer(
        weights=normal(0, (10, 3), (4, 10)),
        training=examples,
        test=examples,
        batches=MiniBatches(n_examples, batch_size),
        learning_rate=0.1,
        budget=budget,
        schedule=schedule or Schedule(every_steps=1),
        clock=clock or Clock(),
        **options,
    )


@pytest.fixture
def time(monkeypatch):
    return FakeTime(monkeypatch)


@pytest.mark.parametrize(
    ("budget", "last_step"),
    [
        (Budget(seconds=2.0), 8),
        (Budget(seconds=2.1), 9),
        (Budget(seconds=0.01), 1),
        (Budget(steps=7), 7),
        (Budget(epochs=2), 10),
        (Budget(seconds=2.0, steps=3, epochs=9), 3),
        (Budget(seconds=0.5, steps=3, epochs=9), 2),
    ],
)
@pytest.mark.parametrize("every_steps", [1, 3, 1000])
def test_a_budget_is_overshot_by_less_than_a_step(time, budget, last_step, every_steps):
    run = trainer(budget, Schedule(every_steps=every_steps), time.clock)
    assert run.run() == "budget"
    assert run.evaluations[-1].step == last_step
    assert run.evaluations[-1].training_seconds == last_step * STEP_SECONDS


@pytest.mark.parametrize(
    ("seconds", "every_steps", "last_step"),
    [
        # On the clock: an evaluation, then steps and evaluations in turn.
        (3.1, 1, 1),
        (3.25, 1, 1),
        (6.2, 1, 1),  # spent by the evaluation after step 1: no second step
        (6.6, 1, 2),
        (4.0, 1000, 4),
        (1.0, 1, 0),  # spent before the first step
    ],
)
def test_a_budget_of_wall_seconds_pays_for_evaluation(time, seconds, every_steps, last_step):
    budget = Budget(seconds=seconds, clock="wall")
    run = trainer(budget, Schedule(every_steps=every_steps), time.clock)
    run.run()
    assert run.evaluations[-1].step == last_step


def test_each_clock_counts_what_is_its_own(time):
    run = trainer(Budget(steps=6), Schedule(every_steps=2), time.clock)
    run.run()
    assert [evaluation.step for evaluation in run.evaluations] == [0, 2, 4, 6]
    for count, evaluation in enumerate(run.evaluations, start=1):
        assert evaluation.training_seconds == evaluation.step * STEP_SECONDS
        assert evaluation.cpu_seconds == 2 * evaluation.training_seconds
        assert evaluation.wall_seconds == (evaluation.training_seconds + count * EVALUATION_SECONDS)


def test_steps_epochs_and_examples_are_counted(time):
    run = trainer(Budget(epochs=2), Schedule(every_steps=3), time.clock)
    run.run()
    counts = [(e.step, e.epoch, e.examples) for e in run.evaluations]
    assert counts == [(0, 0, 0), (3, 0, 12), (6, 1, 24), (9, 1, 36), (10, 2, 40)]


def test_evaluations_are_observed_as_they_are_made(time):
    observed = []
    run = trainer(Budget(steps=2), clock=time.clock, observe=observed.append)
    run.run()
    assert observed == run.evaluations


def test_evaluation_keeps_to_its_share(time):
    """Steps of 0.25 s and evaluations of 3 s: the full schedule would take many times the run."""
    run = trainer(Budget(seconds=100.0), Schedule(share=0.25), time.clock)
    run.run()
    count = len(run.evaluations)
    # All but the last, which every run has, keep to a quarter of the run.
    assert (count - 1) * EVALUATION_SECONDS <= 100.0 * 0.25 / 0.75
    assert count >= 10
    assert run.evaluations[-1].step == 400


def test_the_schedule_is_even_on_a_logarithmic_axis():
    schedule = Schedule(points_per_decade=10)
    steps = list(itertools.takewhile(lambda step: step <= 10**5, iterate(schedule)))
    assert steps[:4] == [1, 2, 3, 4]
    assert {10, 100, 1000, 10**4, 10**5} <= set(steps)
    late = [step for step in steps if step >= 100]
    assert len(late) == 31
    ratios = [b / a for a, b in itertools.pairwise(late)]
    assert ratios == pytest.approx([10**0.1] * 30, rel=0.01)


def test_the_schedule_depends_on_the_step_alone():
    schedule = Schedule()
    for step in iterate(schedule):
        if step > 10**4:
            break
        # From anywhere before it, the next point is the same one.
        assert schedule.next_step(step - 1) == step


def iterate(schedule):
    step = 0
    while True:
        step = schedule.next_step(step)
        yield step


def test_training_learns_on_a_real_clock():
    run = trainer(Budget(steps=300), Schedule(every_steps=100), n_examples=40, batch_size=8)
    run.run()
    losses = [evaluation.training_loss for evaluation in run.evaluations]
    assert losses == sorted(losses, reverse=True)
    assert 0 < run.evaluations[-1].training_seconds < run.evaluations[-1].wall_seconds


def test_a_network_that_blows_up_warns_nobody():
    run = trainer(Budget(steps=30), n_examples=40, batch_size=8)
    run.learning_rate = 1e45
    run.run()
    assert not math.isfinite(run.evaluations[-1].training_loss)


def test_a_budget_without_a_limit_is_refused():
    with pytest.raises(ValueError, match="found no limit, expected seconds, steps or epochs"):
        Budget()
