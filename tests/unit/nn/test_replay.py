"""Steps at which targets are reached, compared with an evaluation at each step of the grid."""

import numpy as np
import pytest

from nn import estimator, grid
from nn.batches import MiniBatches
from nn.budget import Budget
from nn.estimator import Estimate
from nn.examples import Examples
from nn.initializers import normal
from nn.network import Weights
from nn.ordering import arrange, order_columns
from nn.ranges import from_evaluations
from nn.records import Evaluation, State
from nn.replay import Replay, Snapshot, find_crossings
from nn.schedule import Schedule
from nn.targets import Crossing, Target
from nn.trainer import Trainer

TARGETS = [Target("loss", value) for value in (1.5, 1.0, 0.5, 0.2)] + [
    Target("accuracy", value) for value in (60, 80, 95, 100)
]


def truth(losses, accuracies, target, last):
    """Check each step of the grid, and the last."""
    steps = [step for step in range(last) if grid.contains(step)] + [last]
    is_reached = (
        (lambda step: losses[step] <= target.value)
        if target.metric == "loss"
        else (lambda step: accuracies[step] >= target.value)
    )
    found = next(filter(is_reached, steps), None)
    return Crossing(found, grid.before(found) if found else None, "grid")


def evaluations(losses, accuracies, steps):
    return [
        Evaluation(step, 0, 0, step / 10, step / 5, 0.0, losses[step], accuracies[step])
        for step in steps
    ]


ERROR = 0.04
"""Of estimates."""


class Curve:
    """A replay of known curves, which records its calls."""

    def __init__(self, losses, accuracies):
        self.step = 0
        self.taken, self.skipped, self.tested = [], [], []
        self.full, self.known, self.sampled = [], [], []
        self._losses, self._accuracies = losses, accuracies

    @property
    def snapshot(self):
        return Snapshot(self.step, None, None)

    def skip_to(self, step):
        self.skipped.append((self.step, step))
        self.go_to(step)

    def go_to(self, step):
        assert step >= self.step
        self.taken += range(self.step, step)
        self.step = step

    def restore(self, snapshot):
        assert snapshot.step <= self.step
        self.step = snapshot.step

    def loss(self):
        self.full.append(self.step)
        return self._losses[self.step]

    def know(self, loss):
        self.known.append(self.step)
        np.testing.assert_equal(loss, self._losses[self.step])

    def estimate(self):
        self.sampled.append(self.step)
        loss = self._losses[self.step]
        return Estimate(loss * (1 + ERROR * np.sin(self.step)), ERROR * (1 + ERROR) * loss)

    def accuracy(self):
        self.tested.append(self.step)
        return self._accuracies[self.step]


def noisy(seed, last, noise):
    """Draw a loss that falls by a power of the step, and an accuracy like it."""
    random = np.random.default_rng(seed)
    power = random.uniform(0.2, 0.5)
    falling = 2.3 * (1 + np.arange(last + 1) / random.uniform(1, 30)) ** -power
    losses = falling * np.exp(random.uniform(-noise, noise, last + 1))
    errors = np.minimum(90, 40 * falling * np.exp(random.uniform(-noise, noise, last + 1)))
    return losses, 100 - errors


@pytest.mark.parametrize("seed", range(30))
def test_noisy_curves(seed):
    random = np.random.default_rng((seed, 1))
    last = int(random.integers(300, 6000))
    losses, accuracies = noisy(seed, last, noise=0.1)
    some = random.choice(np.arange(1, last), int(random.integers(3, 30)), replace=False)
    curve = Curve(losses, accuracies)
    known = evaluations(losses, accuracies, [0, *sorted(some.tolist()), last])
    found = find_crossings(known, TARGETS, curve)
    assert found == [truth(losses, accuracies, target, last) for target in TARGETS]
    # Few losses are computed over all images.
    assert len(curve.full) < len(curve.sampled)


def test_evaluations_alone_bracket_what_a_search_finds():
    n_before = n_found = 0
    for seed in range(60):
        random = np.random.default_rng((seed, 2))
        last = int(random.integers(300, 6000))
        losses, accuracies = noisy(seed, last, noise=0.1)
        growth = random.uniform(1.05, 1.5)
        steps = {step for power in range(200) if 0 < (step := int(growth**power)) < last}
        known = evaluations(losses, accuracies, [0, *sorted(steps), last])
        for target in TARGETS:
            exact = truth(losses, accuracies, target, last).step
            step, before, _ = from_evaluations(known, target)
            if step is None:
                assert exact is None or before < exact
                continue
            assert exact is None or exact == 0 or before < exact
            if grid.contains(step) or step == last:
                assert exact <= step
                n_found += 1
                n_before += any(exact < each.step < step for each in known)
    # Some were there, and above the target again at the next evaluation.
    assert 0 < n_before < n_found


def test_an_evaluation_at_each_step_needs_no_bracket():
    losses, accuracies = straight(last=90)
    known = evaluations(losses, accuracies, range(91))
    for target in TARGETS:
        found = truth(losses, accuracies, target, 90)
        assert from_evaluations(known, target)[:2] == found[:2]


def test_a_search_does_not_count_an_evaluation_off_the_grid():
    losses, accuracies = straight()
    off = next(step for step in range(400, 500) if not grid.contains(step))
    losses[off] = 0.5
    target = Target("loss", 0.6)
    for last in (1000, off):
        known = evaluations(losses, accuracies, sorted({0, 300, off, last}))
        assert from_evaluations(known, target).step == off
        (found,) = find_crossings(known, [target], Curve(losses, accuracies))
        assert found == truth(losses, accuracies, target, last)


@pytest.mark.parametrize(("noise", "is_searched"), [(0.0, False), (0.2, True)])
def test_a_curve_that_scatters_is_searched_for_dips(noise, is_searched):
    # It ends a fifth above its target: only noise may have brought it there on the way.
    steps = np.arange(3001)
    random = np.random.default_rng(5)
    losses = (1 + steps) ** -0.3 * np.exp(random.uniform(-noise, noise, 3001))
    target = Target("loss", float(losses[-1]) / 1.2)
    known = [0, *sorted({round(1.2**power) for power in range(1, 43)}), 3000]
    curve = Curve(losses, 100 - losses)
    (found,) = find_crossings(evaluations(losses, losses, known), [target], curve)
    assert found == truth(losses, losses, target, 3000)
    assert (len(curve.taken) > 0) == is_searched


def test_few_evaluations_say_nothing_of_scatter():
    losses = (1 + np.arange(301)) ** -0.3
    target = Target("loss", float(losses[-1]) / 1.2)
    curve = Curve(losses, 100 - losses)
    known = evaluations(losses, losses, [0, 10, 50, 100, 200, 300])
    assert find_crossings(known, [target], curve) == [Crossing(None, None, "grid")]
    assert curve.taken


def straight(last=1000):
    losses = np.linspace(2.0, 0.0, last + 1)
    return losses, 100 - 40 * losses


@pytest.mark.parametrize(
    ("target", "step"),
    [
        (Target("loss", 2.0), 0),
        (Target("loss", 1.998), 1),
        (Target("loss", 1.5), 250 + 2),  # 4 steps of the grid are one there: 252
        (Target("loss", 0.0), 1000),
        (Target("loss", -0.1), None),
        (Target("accuracy", 20.0), 0),
        (Target("accuracy", 60.0), 504),
        (Target("accuracy", 100.5), None),
    ],
)
@pytest.mark.parametrize("steps", [[0, 1000], [0, 1, 499, 501, 1000], [0, 251, 505, 1000]])
def test_a_straight_line(target, step, steps):
    losses, accuracies = straight()
    (found,) = find_crossings(
        evaluations(losses, accuracies, steps), [target], Curve(losses, accuracies)
    )
    assert found == Crossing(step, grid.before(step) if step else None, "grid")


def test_a_last_step_off_the_grid_counts():
    losses, accuracies = straight(1003)
    target = Target("loss", float(losses[1003]))
    known = evaluations(losses, accuracies, [0, 500, 1003])
    assert find_crossings(known, [target], Curve(losses, accuracies)) == [
        Crossing(1003, 992, "grid")
    ]


def test_an_evaluation_off_the_grid_does_not_count():
    # Else a run resumed from a shorter one would differ from a fresh one.
    losses, accuracies = straight()
    target = Target("loss", float(losses[501]))
    known = evaluations(losses, accuracies, [0, 499, 501, 502, 1000])
    curve = Curve(losses, accuracies)
    assert find_crossings(known, [target], curve) == [Crossing(504, 496, "grid")]


def test_a_dip_between_two_evaluations_is_found():
    losses, accuracies = np.full(1001, 0.6), np.full(1001, 10.0)
    losses[0], losses[336] = 2.0, 0.45
    known = evaluations(losses, accuracies, [0, 300, 400, 1000])
    found = find_crossings(known, [Target("loss", 0.5)], Curve(losses, accuracies))
    assert found == [Crossing(336, 332, "grid")]


def test_what_counts_is_the_first_time():
    losses, accuracies = straight()
    losses[400:600] += 1  # it rises again
    target = Target("loss", 1.25)
    found = find_crossings(
        evaluations(losses, accuracies, [0, 380, 500, 1000]), [target], Curve(losses, accuracies)
    )
    assert found == [Crossing(376, 372, "grid")]


def test_only_ranges_near_a_target_are_repeated():
    losses, accuracies = straight()
    known = evaluations(losses, accuracies, [0, 100, 200, 600, 700, 800, 1000])
    curve = Curve(losses, accuracies)
    find_crossings(known, [Target("loss", 0.5)], curve)
    # 1.5 times the target is reached in 600 to 700, and the target in 700 to 800. Without snapshots
    # the steps before must be taken too.
    assert (curve.known[0], min(curve.sampled)) == (600, 608)
    assert max(curve.taken) == 799
    assert curve.skipped == [(0, 600)]
    assert curve.full[-1] == 800
    # The loss is computed where the target is within the estimate's error.
    assert len(curve.full) >= 2
    assert all(0.49 <= losses[step] <= 0.5 * (1 + 3 * ERROR) for step in curve.full[:-1])


def test_a_run_that_was_evaluated_everywhere_needs_no_replay():
    losses, accuracies = noisy(1, 500, noise=0.3)
    curve = Curve(losses, accuracies)
    # The chapter's protocol evaluates a step twice.
    steps = sorted([*range(501), 50, 100, 500])
    found = find_crossings(evaluations(losses, accuracies, steps), TARGETS, curve)
    assert found == [truth(losses, accuracies, target, 500) for target in TARGETS]
    assert (curve.taken, curve.full, curve.sampled, curve.tested) == ([], [], [], [])


def test_a_range_may_hold_several_targets_and_end_at_one():
    losses, accuracies = straight()
    targets = [Target("loss", float(losses[step])) for step in (448, 504, 600)]
    known = evaluations(losses, accuracies, [0, 400, 600, 1000])
    assert find_crossings(known, targets, Curve(losses, accuracies)) == [
        Crossing(448, 440, "grid"),
        Crossing(504, 496, "grid"),
        Crossing(600, 592, "grid"),
    ]


def test_losses_ask_for_the_training_images_only():
    losses, accuracies = straight()
    curve = Curve(losses, accuracies)
    find_crossings(evaluations(losses, accuracies, [0, 400, 600]), [Target("loss", 1)], curve)
    assert (curve.tested, len(curve.sampled) > 50) == ([], True)


def test_accuracies_ask_for_the_test_images_only():
    losses, accuracies = straight()
    curve = Curve(losses, accuracies)
    find_crossings(
        evaluations(losses, accuracies, [0, 400, 600, 1000]), [Target("accuracy", 60)], curve
    )
    assert curve.sampled == []
    assert curve.full == [600]  # to check that it is the same run


def test_a_run_that_cannot_be_reproduced_has_crossings_of_its_own_evaluations():
    losses, accuracies = straight()
    curve = Curve(losses.copy(), accuracies)
    curve._losses[700:] *= 1 + 1e-15
    targets = [Target("loss", value) for value in (1.9, 1.0, 0.5, 0.4, -1)]
    known = evaluations(losses, accuracies, [0, 400, 600, 800, 1000])
    assert find_crossings(known, targets, curve) == [
        Crossing(400, 0, "evaluations"),
        Crossing(600, 0, "evaluations"),  # 1.2 at step 400 is near 1.0: a dip may lie before it
        Crossing(800, 600, "evaluations"),
        Crossing(800, 600, "evaluations"),
        Crossing(None, None, "evaluations"),
    ]


def test_what_was_found_before_a_gap_was_checked_there():
    losses, accuracies = straight()
    targets = [Target("loss", value) for value in (1.9, 0.2)]
    known = evaluations(losses, accuracies, [0, 100, 600, 800, 1000])
    curve = Curve(losses.copy(), accuracies)
    curve._losses[860:] += 1e-12
    assert find_crossings(known, targets, curve) == [
        Crossing(50, 49, "grid"),
        Crossing(1000, 800, "evaluations"),
    ]
    assert curve.skipped == [(100, 800)]


@pytest.mark.parametrize("gone", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_is_no_mismatch(gone):
    losses, accuracies = straight()
    losses[601:] = gone
    known = evaluations(losses, accuracies, [0, 400, 601])
    targets = [Target("loss", 0.81), Target("loss", 0.1)]
    assert find_crossings(known, targets, Curve(losses, accuracies)) == [
        Crossing(600, 592, "grid"),
        Crossing(None, None, "grid"),
    ]


# Real networks.

SIDE = 6


def examples(n_examples, seed):
    """Draw noisy images of ten kinds; some of their columns are seldom nonzero."""
    kinds = np.random.default_rng(0).integers(0, 256, (10, SIDE * SIDE))
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, n_examples)
    images = 0.5 * kinds[labels] + random.integers(0, 128, (n_examples, SIDE * SIDE))
    images[random.random(images.shape) < np.linspace(0, 1, SIDE * SIDE)] = 0
    return images.astype(np.uint8), labels


def arranged(images, labels, columns):
    return Examples(images, labels, (1 / 255, 0.0), arrange(images, columns))


TRAIN = examples(900, 1)
COLUMNS = order_columns(TRAIN[0])
PARTS = {
    "training": arranged(*TRAIN, COLUMNS),
    "test": arranged(*examples(300, 2), COLUMNS),
}
WEIGHTS = Weights(*(30 * each for each in normal(3, (1 + SIDE * SIDE, 12), (13, 10))))


def run(batches, rate, steps, schedule, state=None, momentum=0.0):
    trainer = Trainer(
        state or State(WEIGHTS), PARTS["training"], PARTS["test"], batches, rate,
        Budget(steps=steps), schedule, momentum=momentum,
    )  # fmt: skip
    trainer.run()
    return trainer


REAL = [Target("loss", value) for value in (2.2, 2.0, 1.5, 1.2, 1.0)] + [
    Target("accuracy", value) for value in (20, 30, 50, 60)
]


@pytest.mark.parametrize("batch_size", [1, 7, 900])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(("sample", "momentum"), [(150, 0.0), (5000, 0.0), (150, 0.9)])
def test_real_networks(monkeypatch, batch_size, shuffle, sample, momentum):
    monkeypatch.setattr(estimator, "SAMPLE", sample)
    batches = MiniBatches(900, batch_size, shuffle=shuffle)
    rate, steps = {1: (0.1, 2500), 7: (0.3, 1500), 900: (3.0, 300)}[batch_size]
    rate *= 1 - momentum
    dense = run(batches, rate, steps, Schedule(every_steps=1), momentum=momentum)
    losses = [each.training_loss for each in dense.evaluations]
    accuracies = [each.test_accuracy for each in dense.evaluations]
    expected = [truth(losses, accuracies, target, steps) for target in REAL]
    assert sum(each.step is not None for each in expected) >= 6
    for schedule in (Schedule(every_steps=steps), Schedule(points_per_decade=4)):
        sparse = run(batches, rate, steps, schedule, momentum=momentum)
        again = Replay(WEIGHTS, PARTS["training"], PARTS["test"], batches, rate, momentum=momentum)
        assert find_crossings(sparse.evaluations, REAL, again) == expected


@pytest.mark.parametrize("first", [1, 205, 600])
def test_a_run_resumed_from_a_shorter_one_has_the_crossings_of_a_fresh_one(first):
    batches = MiniBatches(900, 7)
    schedule = Schedule(points_per_decade=5)
    fresh = run(batches, 0.3, 1501, schedule)
    longer = run(batches, 0.3, 1501, schedule, run(batches, 0.3, first, schedule).state)
    assert {each.step for each in longer.evaluations} >= {first}
    found = [
        find_crossings(each.evaluations, REAL, Replay(WEIGHTS, *PARTS.values(), batches, 0.3))
        for each in (fresh, longer)
    ]
    assert found[0] == found[1]
    steps = [[reading.step for reading in each.readings] for each in (fresh, longer)]
    assert steps[0] == steps[1] == [0, *grid.between(0, 1501), 1501]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_replay_starts_at_the_last_snapshot(momentum):
    batches = MiniBatches(900, 7)
    known = {}
    whole = Replay(WEIGHTS, *PARTS.values(), batches, 0.03, momentum=momentum)
    for step in (100, 300, 500):
        whole.go_to(step)
        known[step] = whole.snapshot
    calls = []

    def snapshots(after, until):
        calls.append((after, until))
        return known.get(max((step for step in known if after < step <= until), default=0))

    again = Replay(WEIGHTS, *PARTS.values(), batches, 0.03, snapshots, momentum=momentum)
    again.skip_to(400)
    assert (again.step, calls) == (400, [(0, 400)])
    del known[500]
    again.skip_to(500)
    assert calls[1:] == [(400, 500)]
    assert_same(again.snapshot, whole.snapshot)
    known[300] = Snapshot(
        300, Weights(*map(np.zeros_like, WEIGHTS)), None
    )  # to see that it is used
    again.restore(Snapshot(0, WEIGHTS, None))
    again.skip_to(500)
    assert not np.array_equal(again.snapshot.weights.w1, whole.snapshot.weights.w1)
    again.restore(Snapshot(0, WEIGHTS, None))
    for step in range(1, 501):  # never from a snapshot, so that a check of the end is one of all
        again.go_to(step)
    assert_same(again.snapshot, whole.snapshot)


def assert_same(snapshot, other):
    """Compare steps, weights and velocities bit for bit."""
    assert snapshot.step == other.step
    assert (snapshot.velocity is None) == (other.velocity is None)
    arrays, others = ([*each.weights, *(each.velocity or ())] for each in (snapshot, other))
    for array, same in zip(arrays, others, strict=True):
        assert np.array_equal(array, same)
