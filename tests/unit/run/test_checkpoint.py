"""States on disk: from which a run resumes, and from which it must not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from batch_race.errors import InputError
from batch_race.run import checkpoint
from batch_race.store import arrays, clock, history
from nn.budget import Budget
from nn.network import Weights
from nn.records import Evaluation, Reading, State
from tests.unit.store.test_history import METADATA, SPECIFICATION

PER_EPOCH = 10


def network(step, n_hidden=2):
    return Weights(
        np.full((3, n_hidden), step, np.float32), np.full((1 + n_hidden, 10), -step, np.float32)
    )


def state(step, loss=2.0, momentum=0.0):
    evaluations = [
        Evaluation(done, 0, 8 * done, done / 10, done / 5, done / 10, loss - done / 1000, 50.0)
        for done in range(0, step + 1, 10)
    ]
    readings = [Reading(done, done / 10, done / 8) for done in range(step + 1)]
    velocity = network(momentum * step) if momentum else None
    seconds = step / 10, step / 5, step / 10
    return State(network(step), evaluations, step, *seconds, readings, velocity)


def finish(folder, step, momentum=0.0, **metadata):
    final = state(step, momentum=momentum)
    specification = SPECIFICATION | {"momentum": momentum}
    table = history.tabulate(final.evaluations, specification)
    written = METADATA | {"specification": specification, "fingerprint": "here"} | metadata
    history.write(folder / "history.parquet", table, written)
    clock.write(folder / "clock.parquet", final.readings)
    arrays.write_weights(folder / "weights.npz", final.weights, final.velocity)


def latest(folder, fingerprint="here", **budget):
    found = checkpoint.latest(folder, Budget(**budget), PER_EPOCH, fingerprint)
    return found.state.step if found else None


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run" / "60_seconds"


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_state_is_read_as_it_was_written(folder, momentum):
    saved = state(35, momentum=momentum)
    checkpoint.save(folder, saved, ["busy"], "here")
    found, contention = checkpoint.latest(folder, Budget(steps=100), PER_EPOCH, "here")
    assert contention == ["busy"]
    assert_same(found, saved)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_finished_run_is_resumed_with_its_clock_and_velocity(folder, momentum):
    finish(folder.parent / "30_steps", 30, momentum)
    found, _ = checkpoint.latest(folder, Budget(steps=100), PER_EPOCH, "here")
    assert_same(found, state(30, momentum=momentum))


def assert_same(found, saved):
    """Compare states, arrays bit for bit."""
    assert replace(found, weights=None, velocity=None) == replace(
        saved, weights=None, velocity=None
    )
    assert (found.velocity is None) == (saved.velocity is None)
    arrays, others = ([*each.weights, *(each.velocity or ())] for each in (found, saved))
    for array, same in zip(arrays, others, strict=True):
        assert array.dtype == np.float32
        assert np.array_equal(array, same)


def test_weights_are_read_with_a_velocity_next_to_them_or_without(folder):
    path = folder / "weights.npz"
    arrays.write_weights(path, network(3), network(7))
    assert all(map(np.array_equal, arrays.read_weights(path), network(3)))
    assert all(map(np.array_equal, arrays.read_velocity(path), network(7)))
    arrays.write_weights(path, network(3))
    assert all(map(np.array_equal, arrays.read_weights(path), network(3)))
    with np.load(path) as file:
        assert file.files == ["w1", "w2"]
    with pytest.raises(InputError, match="expected the arrays velocity_w1, velocity_w2"):
        arrays.read_velocity(path)


def test_a_loss_that_is_not_finite_is_kept(folder):
    checkpoint.save(folder, state(10, loss=float("nan")), [], "here")
    found = checkpoint.latest(folder, Budget(steps=100), PER_EPOCH, "here")
    assert np.isnan(found.state.evaluations[0].training_loss)


def test_nothing_there(folder):
    assert latest(folder, steps=100) is None


def test_a_state_of_other_code_data_or_machine_is_not_used(folder):
    checkpoint.save(folder, state(30), [], "elsewhere")
    finish(folder.parent / "3_seconds", 30, fingerprint="elsewhere")
    assert latest(folder, steps=100) is None


def test_the_furthest_within_the_budget_is_used(folder):
    for step in (10, 20, 30):
        finish(folder.parent / f"{step}_steps", step)
    checkpoint.save(folder.parent / "90_steps", state(25), [], "here")
    assert latest(folder, steps=100) == 30
    assert latest(folder, steps=29) == 25
    assert latest(folder, steps=19) == 10
    assert latest(folder, steps=5) is None
    assert latest(folder, epochs=2) == 20
    assert latest(folder, seconds=2.4) == 20  # training seconds are a tenth of the steps here
    assert latest(folder, seconds=2.4, clock="wall") == 10  # wall seconds a fifth


def test_a_state_past_a_target_is_not_used(folder):
    finish(folder.parent / "30_steps", 30)  # the loss falls from 2.00 to 1.97
    assert latest(folder, steps=100, loss=1.975) == 30  # reached at the last evaluation
    assert latest(folder, steps=100, loss=1.985) is None
    assert latest(folder, steps=100, accuracy=50) is None


def test_a_finished_run_that_is_repeated_starts_from_step_0(folder):
    finish(folder, 30)
    assert latest(folder, steps=100) is None


def test_a_discarded_checkpoint_is_gone(folder):
    checkpoint.save(folder, state(30), [], "here")
    checkpoint.discard(folder)
    checkpoint.discard(folder)
    assert latest(folder, steps=100) is None


def test_only_a_runs_own_checkpoint_is_discarded(folder):
    """As by a run that failed for contention, next to the state of another processor."""
    checkpoint.save(folder, state(30), [], "here")
    checkpoint.save(folder, state(40), [], "elsewhere")
    kept = checkpoint.path_of(folder, "here").with_suffix(".npz.kept-1")
    kept.touch()
    checkpoint.discard(folder, "here")
    assert sorted(folder.iterdir()) == sorted([checkpoint.path_of(folder, "elsewhere"), kept])


@pytest.mark.parametrize("keep", [0, 10, 300, -1])
def test_a_damaged_state_is_passed_over(folder, keep):
    checkpoint.save(folder, state(30), [], "here")
    path = checkpoint.path_of(folder, "here")
    path.write_bytes(path.read_bytes()[:keep])
    checkpoint.save(folder.parent / "other", state(20), [], "here")
    assert latest(folder, steps=100) == 20


def test_results_without_their_velocity_are_passed_over(folder):
    finish(folder.parent / "30_steps", 30, momentum=0.9)
    arrays.write_weights(folder.parent / "30_steps" / "weights.npz", network(30))
    assert latest(folder, steps=100) is None


@pytest.mark.parametrize("missing", ["weights.npz", "clock.parquet"])
def test_damaged_results_are_passed_over(folder, missing):
    finish(folder.parent / "30_steps", 30)
    (folder.parent / "30_steps" / missing).unlink()
    assert latest(folder, steps=100) is None


def test_contention_is_not_forgotten(folder):
    contention = {"contention": {"contended": True, "reasons": ["busy"]}}
    finish(folder.parent / "30_steps", 30, **contention)
    found = checkpoint.latest(folder, Budget(steps=100), PER_EPOCH, "here")
    assert found.contention == ["busy"]


def test_the_digest_follows_content_and_texts(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("1")
    second.write_text("2")

    def digest(*arguments):
        return checkpoint.digest([first, second], *arguments)

    before = digest("numpy 2")
    assert digest("numpy 2") == before
    assert digest("numpy 3") != before
    assert checkpoint.digest([Path(second), first], "numpy 2") != before
    second.write_text("3")
    assert digest("numpy 2") != before


def test_contended_states_are_not_resumed_from_where_they_are_unwanted(folder):
    finish(folder.parent / "30_steps", 30, contention={"reasons": ["busy"]})
    finish(folder.parent / "20_steps", 20, contention={"reasons": []})
    checkpoint.save(folder, state(35), ["busy"], "here")
    assert latest(folder, steps=100) == 35
    found = checkpoint.latest(folder, Budget(steps=100), PER_EPOCH, "here", may_be_contended=False)
    assert found.state.step == 20
    assert not found.contention
