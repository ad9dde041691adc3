"""The trainer's loop, on a clock that the tests set."""

import itertools
import math
import threading

import numpy as np
import pytest

from nn import grid, network
from nn.batches import MiniBatches
from nn.budget import Budget
from nn.engine import Engine
from nn.engine.engine import MIN_SHARD
from nn.engine.passes import Pass, PassOfOne
from nn.examples import Examples
from nn.initializers import normal
from nn.records import State
from nn.schedule import Schedule
from nn.stopwatch import Clock
from nn.trainer import Trainer

STEP_SECONDS = 0.25
EVALUATION_SECONDS = 3.0


class FakeTime:
    """Time that passes only in the engine: fixed seconds for a step, and for an evaluation."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        self.evaluations = 0
        self.loss = lambda count: 1.5
        self.clock = Clock(wall=lambda: self.now, cpu=lambda: 2 * self.now)
        monkeypatch.setattr(Engine, "descend", lambda *_: self.pass_by(STEP_SECONDS))
        monkeypatch.setattr(Engine, "warm_up", lambda *_: None)
        monkeypatch.setattr(Engine, "evaluate", self.evaluate)

    def pass_by(self, seconds):
        self.now += seconds

    def evaluate(self, *_):
        # The trainer evaluates on two sets of images; each takes half.
        self.pass_by(EVALUATION_SECONDS / 2)
        self.evaluations += 1
        return self.loss(self.evaluations // 2), 0.5 * self.evaluations


def trainer(
    budget,
    schedule=None,
    clock=None,
    state=None,
    n_examples=20,
    batch_size=4,
    rate=0.1,
    one_hot=False,
    **options,
):
    """Return a trainer, on random examples unless others are given."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (n_examples, 9), dtype=np.uint8)
    labels = random.integers(0, 10, n_examples)
    examples = Examples(images, np.eye(10)[labels] if one_hot else labels, (1 / 255, 0.0))
    return Trainer(
        state=state or State(normal(0, (10, 3), (4, 10))),
        learning_rate=rate,
        budget=budget,
        schedule=schedule or Schedule(every_steps=1),
        clock=clock or Clock(),
        **{
            "training": examples,
            "test": examples,
            "batches": MiniBatches(n_examples, batch_size),
        }
        | options,
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


@pytest.mark.parametrize("last", [1, 100, 107, 108])
def test_the_clocks_are_read_at_each_step_of_the_grid_and_the_last(time, last):
    run = trainer(Budget(steps=last), Schedule(every_steps=6), time.clock)
    run.run()
    assert [each.step for each in run.readings] == [0, *grid.between(0, last), last]
    for each in run.readings[1:]:
        assert each.training_seconds == each.step * STEP_SECONDS
        # Evaluations after step 0, 6, 12, … but not the one after this step.
        n_evaluations = 1 + (each.step - 1) // 6
        assert each.wall_seconds == each.training_seconds + n_evaluations * EVALUATION_SECONDS


@pytest.mark.parametrize("step", [0, 1, 50, 101, 103, 106])
def test_the_readings_survive_an_interruption(time, step):
    options = {"budget": Budget(steps=107), "schedule": Schedule(every_steps=6)}
    whole = trainer(clock=time.clock, **options)
    whole.run()
    state = interrupted_at(step, clock=time.clock, **options)
    time.pass_by(500)  # on no clock
    again = trainer(state=state, clock=time.clock, **options)
    again.run()
    assert again.readings == whole.readings


def do_train(batches_count, timeout_after):
    """Follow the recursion of the chapter's do_train, on a clock of its own.

    Returns
    -------
    points : list of tuple
        Of each loss that it computes: the steps and epochs of the state, and the time after it.
    steps, epochs : int
        Of the state that it returns.
    """
    now, points = 0.0, []
    batch = steps = epochs = 0
    while True:  # a turn for each call; each computes the loss first
        now += EVALUATION_SECONDS
        points.append((steps, epochs, now))
        if now > timeout_after:
            return points, steps, epochs
        if batch > batches_count - 1:
            batch, epochs = 0, epochs + 1
        else:
            now += STEP_SECONDS
            batch, steps = batch + 1, steps + 1


@pytest.mark.parametrize("batch_size", [1, 4, 7, 10, 20])
@pytest.mark.parametrize("seconds", [1.1, 3.1, 6.2, 6.3, 9.4, 9.6, 12.6, 12.8, 40.1, 111.1, 200.1])
def test_the_chapters_protocol(time, batch_size, seconds):
    run = trainer(
        Budget(seconds=seconds, clock="wall"),
        Schedule(every_steps=1, twice_at_epoch_end=True),
        time.clock,
        batch_size=batch_size,
    )
    assert run.run() == "budget"
    points, steps, epochs = do_train(-(-20 // batch_size), seconds)
    assert [(e.step, e.epoch, e.wall_seconds) for e in run.evaluations] == points
    assert (run.evaluations[-1].step, run.evaluations[-1].epoch) == (steps, epochs)


def test_the_chapters_protocol_learns_the_same():
    once, twice = (
        trainer(Budget(steps=7), Schedule(every_steps=1, twice_at_epoch_end=is_twice), batch_size=8)
        for is_twice in (False, True)
    )
    once.run()
    twice.run()
    assert [e.step for e in twice.evaluations] == [0, 1, 2, 3, 3, 4, 5, 6, 6, 7]
    by_step = {e.step: e.training_loss for e in once.evaluations}
    assert [e.training_loss for e in twice.evaluations] == [
        by_step[e.step] for e in twice.evaluations
    ]


@pytest.mark.parametrize("every_steps", [2, 5, 10])
def test_only_evaluations_at_the_end_of_an_epoch_are_made_twice(time, every_steps):
    run = trainer(
        Budget(steps=11), Schedule(every_steps=every_steps, twice_at_epoch_end=True), time.clock
    )
    run.run()
    steps = [evaluation.step for evaluation in run.evaluations]
    twice = [step for step in (5, 10) if step % every_steps == 0]
    assert steps == sorted([0, *range(every_steps, 11, every_steps), *twice, 11])
    assert [e.epoch for e in run.evaluations if e.step == 10] == [1, 2]


def test_attending_is_not_training_time(time):
    """It is called after each evaluation and each second of steps, and counts as wall time."""
    steps = []

    def attend(run):
        steps.append(run.step)
        time.pass_by(10)

    run = trainer(Budget(steps=10), Schedule(every_steps=6), time.clock, attend=attend)
    run.run()
    # Four steps of 0.25 s are a second.
    assert steps == [0, 4, 6, 10, 10]
    assert run.evaluations[-1].training_seconds == 10 * STEP_SECONDS
    assert run.evaluations[-1].wall_seconds == (10 * STEP_SECONDS + 3 * EVALUATION_SECONDS + 4 * 10)


def test_evaluation_keeps_to_its_time_fraction(time):
    """With 0.25 s a step and 3 s an evaluation, the full schedule would take many times the run."""
    run = trainer(Budget(seconds=100.0), Schedule(time_fraction=0.25), time.clock)
    run.run()
    count = len(run.evaluations)
    # All but the last, which every run has, keep to a quarter of the run.
    assert (count - 1) * EVALUATION_SECONDS <= 100.0 * 0.25 / 0.75
    assert count >= 10
    assert run.evaluations[-1].step == 400


def test_a_tenth_of_the_allowance_is_given_at_the_start(time):
    run = trainer(Budget(seconds=100.0), Schedule(time_fraction=0.5), time.clock)
    run.run()
    # 10 s pay for three evaluations of 3 s; the fourth is earned by 2.25 s of training.
    assert [evaluation.step for evaluation in run.evaluations[:4]] == [0, 1, 2, 9]


def test_the_schedule_is_log_spaced():
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


def test_the_loss_is_that_of_training_and_the_accuracy_that_of_the_test():
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (30, 9), dtype=np.uint8)
    labels = np.repeat([4, 7], [20, 10])
    training, test = (
        Examples(images[part], labels[part], (1 / 255, 0.0)) for part in (slice(20), slice(10, 30))
    )
    run = trainer(Budget(steps=1), rate=1.0, training=training, test=test)
    run.run()
    training_logits, test_logits = (
        network.forward(each.images / 255, run.state.weights)[1] for each in (training, test)
    )
    last = run.evaluations[-1]
    assert last.training_loss == pytest.approx(
        network.cross_entropy(training_logits, training.labels), rel=1e-6
    )
    # It predicts 4, the class of all training examples and of half of the test examples.
    assert np.mean(test_logits.argmax(axis=1) == test.labels) == 0.5
    assert last.test_accuracy == 50


def test_a_network_that_diverges_raises_no_warning():
    run = trainer(Budget(steps=30), n_examples=40, batch_size=8, rate=1e45)
    assert run.run() == "diverged"
    assert run.evaluations[-1].step == 1
    assert not math.isfinite(run.evaluations[-1].training_loss)


def test_a_budget_without_a_limit_is_refused():
    with pytest.raises(ValueError, match="found no limit, expected seconds, steps or epochs"):
        Budget()


@pytest.mark.parametrize(
    ("target", "last_step"),
    [
        ({"loss": 1.0}, 5),  # the loss falls by 0.1 with each evaluation, from 1.5
        ({"loss": 0.99}, 6),
        ({"accuracy": 4.0}, 3),  # the accuracy rises by 1 with each evaluation, from 1
        ({"loss": 1.0, "accuracy": 4.0}, 3),
        ({"loss": 1.5}, 0),
    ],
)
def test_a_target_ends_the_run_at_the_evaluation_that_finds_it(time, target, last_step):
    time.loss = lambda count: round(1.5 - 0.1 * count, 10)
    run = trainer(Budget(steps=50, **target), clock=time.clock)
    assert run.run() == "target"
    assert run.evaluations[-1].step == last_step


def test_a_target_that_is_not_reached_leaves_it_to_the_limit(time):
    run = trainer(Budget(seconds=1.0, loss=0.1), clock=time.clock)
    assert run.run() == "budget"
    assert run.evaluations[-1].step == 4


@pytest.mark.parametrize("bad", [math.nan, math.inf, 15.1])
def test_divergence_ends_the_run(time, bad):
    time.loss = lambda count: bad if count == 3 else 1.5
    run = trainer(Budget(steps=50), clock=time.clock)
    assert run.run() == "diverged"
    assert run.evaluations[-1].step == 3


def test_a_high_loss_is_not_yet_divergence(time):
    time.loss = lambda count: 14.9 if count == 3 else 1.5
    assert trainer(Budget(steps=5), clock=time.clock).run() == "budget"


def test_evaluation_every_so_many_seconds(time):
    run = trainer(Budget(steps=12), Schedule(every_seconds=0.6), time.clock)
    run.run()
    # After the first steps that reach 0.6, 1.2, 1.8 and 2.4 seconds, and after the last.
    assert [evaluation.step for evaluation in run.evaluations] == [0, 3, 5, 8, 10, 12]


class StopError(Exception):
    """Ends a run from outside."""


def interrupted_at(step, **options):
    """Run until `attend` is called at or after a step; return the state there."""
    saved = []

    def attend(run):
        if run.step >= step:
            saved.append(run.state)
            raise StopError

    with pytest.raises(StopError):
        trainer(attend=attend, **options).run()
    return saved[0]


@pytest.mark.parametrize("step", [0, 1, 4, 5, 7, 8, 10, 11, 12, 13])
@pytest.mark.parametrize("every_steps", [1, 5, 6, 100])
@pytest.mark.parametrize("is_twice", [False, True])
def test_an_interrupted_run_resumes_as_if_it_had_not_stopped(time, step, every_steps, is_twice):
    schedule = Schedule(every_steps=every_steps, twice_at_epoch_end=is_twice)
    options = {"budget": Budget(steps=13), "schedule": schedule}
    whole = trainer(clock=time.clock, **options)
    whole.run()
    state = interrupted_at(step, clock=time.clock, **options)
    time.pass_by(500)  # on no clock
    again = trainer(state=state, clock=time.clock, **options)
    assert again.run() == "budget"
    # The losses depend on the number of evaluations here; all else is the same.
    assert [counts(evaluation) for evaluation in again.evaluations] == [
        counts(evaluation) for evaluation in whole.evaluations
    ]


def counts(evaluation):
    e = evaluation
    return (e.step, e.epoch, e.examples, e.training_seconds, e.wall_seconds, e.cpu_seconds)


@pytest.mark.parametrize("step", [0, 1, 20, 40])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_losses_after_an_interruption_are_the_same_bits(monkeypatch, momentum, step):
    monkeypatch.setattr("nn.trainer.STRETCH_SECONDS", 0.0)  # attended to after each step
    options = {
        "budget": Budget(steps=50),
        "schedule": Schedule(every_steps=7),
        "n_examples": 50,
        "batch_size": 8,
        "momentum": momentum,
    }
    whole = trainer(**options)
    whole.run()
    again = trainer(state=interrupted_at(step, **options), **options)
    again.warm_up()
    again.run()
    assert_same(again, whole)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_larger_budget_trains_as_if_it_had_been_there_from_the_start(momentum):
    schedule = Schedule(every_steps=7)
    options = {"schedule": schedule, "n_examples": 50, "batch_size": 8, "momentum": momentum}
    whole = trainer(Budget(steps=49), **options)
    whole.run()
    short = trainer(Budget(steps=21), **options)
    short.run()
    long = trainer(Budget(steps=49), state=short.state, **options)
    long.warm_up()
    long.run()
    assert_same(long, whole)


def assert_same(run, other):
    """Compare losses, weights and velocities bit for bit."""
    assert [e.training_loss for e in run.evaluations] == [
        e.training_loss for e in other.evaluations
    ]
    arrays, others = ([*each.weights, *(each.velocity or ())] for each in (run.state, other.state))
    for array, same in zip(arrays, others, strict=True):
        assert np.array_equal(array, same)


def test_momentum_changes_what_is_learnt():
    without, with_momentum = (trainer(Budget(steps=5), momentum=each) for each in (0.0, 0.9))
    without.run()
    with_momentum.run()
    assert without.state.velocity is None
    losses = [run.evaluations[-1].training_loss for run in (without, with_momentum)]
    assert losses[0] != losses[1]


def test_a_larger_budget_resumes_from_a_finished_run(time):
    short = trainer(Budget(seconds=1.0), Schedule(every_steps=3), time.clock)
    short.run()
    long = trainer(Budget(seconds=3.0), Schedule(every_steps=3), time.clock, state=short.state)
    long.run()
    assert long.evaluations[: len(short.evaluations)] == short.evaluations
    assert long.evaluations[-1].step == 12
    assert long.evaluations[-1].training_seconds == 3.0


def test_one_hot_labels_train_the_same():
    by_index = trainer(Budget(steps=5))
    one_hot = trainer(Budget(steps=5), one_hot=True)
    by_index.run()
    one_hot.run()
    assert np.array_equal(one_hot.state.weights.w1, by_index.state.weights.w1)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_warming_up_changes_nothing(momentum):
    short = trainer(Budget(steps=3), momentum=momentum)
    short.run()
    run = trainer(Budget(steps=6), state=short.state, momentum=momentum)
    run.warm_up()
    assert_same(run, short)
    assert (run.step, len(run.evaluations)) == (3, 4)
    fresh = trainer(Budget(steps=3), momentum=momentum)
    fresh.warm_up()
    assert (fresh.step, fresh.evaluations, fresh.state.wall_seconds < 1) == (0, [], True)


@pytest.mark.parametrize("batch_size", [1, 16, 2 * MIN_SHARD - 1, 2 * MIN_SHARD, 5000])
def test_the_threads_that_split_the_work_are_counted(monkeypatch, batch_size):
    used = {"step": set(), "evaluation": set()}
    for kind, name in ((Pass, "add_gradient"), (PassOfOne, "add_gradient"), (Pass, "logits")):
        threads, method = used["evaluation" if name == "logits" else "step"], getattr(kind, name)

        def counted(self, *arguments, _threads=threads, _method=method):
            _threads.add(threading.get_ident())
            return _method(self, *arguments)

        monkeypatch.setattr(kind, name, counted)
    a_trainer = trainer(Budget(steps=1), n_examples=5000, batch_size=batch_size, threads=2)
    a_trainer.run()
    found = {name: len(threads) for name, threads in used.items()}
    in_a_step = 1 if batch_size < 2 * MIN_SHARD else 2
    assert found == a_trainer.threads_used == {"step": in_a_step, "evaluation": 2}


def test_batches_over_other_examples_are_refused():
    # Compiled loops do not check their rows.
    with pytest.raises(ValueError, match="batches: found those of 21 examples, expected 20"):
        trainer(Budget(steps=1), batches=MiniBatches(21, 4))
