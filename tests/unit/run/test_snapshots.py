"""Snapshots: taken seldom, and used only if they are intact and of the same run."""

from types import SimpleNamespace

import numpy as np
import pytest

from batch_race.run.snapshots import Snapshots
from nn.network import Weights
from nn.records import State


def network(step):
    return Weights(np.full((3, 2), step, np.float32), np.full((3, 10), -step, np.float32))


def trainer(step, seconds, has_velocity=False):
    state = State(network(step), step=step, velocity=network(2 * step) if has_velocity else None)
    return SimpleNamespace(training_seconds=seconds, state=state)


def taken(folder, moments, fingerprint="here", has_velocity=False):
    snapshots = Snapshots(folder, fingerprint)
    for step, seconds in moments:
        snapshots.take(trainer(step, seconds, has_velocity))
    return Snapshots(folder, fingerprint)


MOMENTS = [(0, 0.0), (5, 0.9), (10, 1.1), (14, 1.2), (20, 1.6), (60, 6.0), (61, 6.1), (90, 9.0)]


@pytest.mark.parametrize(
    ("after", "until", "step"),
    [
        (0, 9, None),
        (0, 10, 10),
        (0, 19, 10),
        (10, 19, None),
        (0, 59, 20),
        (0, 89, 60),
        (0, 1000, 90),
        (90, 1000, None),
    ],
)
def test_the_furthest_that_is_not_too_far_is_used(tmp_path, after, until, step):
    found = taken(tmp_path, MOMENTS).latest(after, until)
    assert (found and found.step) == step
    if found:
        assert all(map(np.array_equal, found.weights, network(step)))
        assert found.velocity is None


def test_a_velocity_is_part_of_it(tmp_path):
    found = taken(tmp_path, MOMENTS, has_velocity=True).latest(0, 19)
    assert found.step == 10
    assert all(map(np.array_equal, found.velocity, network(20)))


def test_a_run_that_is_repeated_replaces_them(tmp_path):
    taken(tmp_path, MOMENTS)
    assert taken(tmp_path, [(11, 1.1), (93, 9.0)]).latest(0, 19).step == 11
    assert len(list((tmp_path / "snapshots").iterdir())) == 4


def test_those_of_another_fingerprint_are_not_used(tmp_path):
    taken(tmp_path, MOMENTS, fingerprint="elsewhere")
    assert taken(tmp_path, [(11, 1.1)]).latest(0, 1000).step == 11


def test_there_may_be_none(tmp_path):
    assert Snapshots(tmp_path / "none", "here").latest(0, 1000) is None


@pytest.mark.parametrize("keep", [0, 10, 300, 700, -1])
def test_a_damaged_one_is_passed_over(tmp_path, caplog, keep):
    snapshots = taken(tmp_path, MOMENTS)
    assert snapshots.latest(0, 1000).step == 90
    path = snapshots._known[90]
    path.write_bytes(path.read_bytes()[:keep])
    for each in (snapshots, Snapshots(tmp_path, "here")):  # damaged meanwhile, or before
        assert each.latest(0, 1000).step == 60
        assert str(path) in caplog.text
        caplog.clear()


def test_one_that_was_replaced_meanwhile_is_passed_over(tmp_path):
    snapshots = taken(tmp_path, MOMENTS)
    assert snapshots.latest(0, 1000).step == 90
    taken(tmp_path, [(97, 9.1)])
    assert snapshots.latest(0, 1000).step == 60
