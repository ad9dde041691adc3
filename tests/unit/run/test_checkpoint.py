"""States on disk: which one a run goes on from, and which it must not."""

from pathlib import Path

import numpy as np
import pytest

from batch_race.run import checkpoint
from batch_race.store import arrays, clock, history
from nn.budget import Budget
from nn.network import Weights
from nn.records import Evaluation, Reading, State
from tests.unit.store.test_history import METADATA, SPECIFICATION

PER_EPOCH = 10


def state(step, loss=2.0):
    evaluations = [
        Evaluation(done, 0, 8 * done, done / 10, done / 5, done / 10, loss - done / 1000, 50.0)
        for done in range(0, step + 1, 10)
    ]
    weights = Weights(np.full((3, 2), step, np.float32), np.full((3, 10), step, np.float32))
    readings = [Reading(done, done / 10, done / 8) for done in range(step + 1)]
    return State(weights, evaluations, step, step / 10, step / 5, step / 10, readings)


def finish(folder, step, fingerprint="here", **metadata):
    final = state(step)
    table = history.tabulate(final.evaluations, SPECIFICATION)
    written = METADATA | {"fingerprint": fingerprint} | metadata
    history.write(folder / "history.parquet", table, written)
    clock.write(folder / "clock.parquet", final.readings)
    arrays.write_weights(folder / "weights.npz", final.weights)


def latest(folder, fingerprint="here", **budget):
    found = checkpoint.latest(folder, Budget(**budget), PER_EPOCH, fingerprint)
    return found.state.step if found else None


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run" / "60_seconds"


def test_a_state_comes_back_as_it_was(folder):
    saved = state(35)
    checkpoint.save(folder, saved, ["busy"], "here")
    found, contention = checkpoint.latest(folder, Budget(steps=100), PER_EPOCH, "here")
    assert contention == ["busy"]
    assert all(np.array_equal(a, b) for a, b in zip(found.weights, saved.weights, strict=True))
    assert found.weights.w1.dtype == np.float32
    assert (found.evaluations, found.step) == (saved.evaluations, 35)
    assert (found.training_seconds, found.wall_seconds, found.cpu_seconds) == (3.5, 7.0, 3.5)
    assert found.readings == saved.readings


def test_a_finished_runs_clock_is_gone_on_from_too(folder):
    finish(folder.parent / "30_steps", 30)
    found, _ = checkpoint.latest(folder, Budget(steps=100), PER_EPOCH, "here")
    assert found.readings == state(30).readings


def test_a_loss_that_is_not_finite_survives(folder):
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


def test_a_target_that_was_passed_on_the_way_is_not_run_past(folder):
    finish(folder.parent / "30_steps", 30)  # the loss goes from 2.00 to 1.97
    assert latest(folder, steps=100, loss=1.975) == 30  # its last evaluation finds it
    assert latest(folder, steps=100, loss=1.985) is None
    assert latest(folder, steps=100, accuracy=50) is None


def test_a_finished_run_that_is_asked_for_again_starts_anew(folder):
    finish(folder, 30)
    assert latest(folder, steps=100) is None


def test_a_discarded_checkpoint_is_gone(folder):
    checkpoint.save(folder, state(30), [], "here")
    checkpoint.discard(folder)
    checkpoint.discard(folder)
    assert latest(folder, steps=100) is None


@pytest.mark.parametrize("keep", [0, 10, 300, -1])
def test_a_damaged_state_is_passed_over(folder, keep):
    checkpoint.save(folder, state(30), [], "here")
    path = folder / checkpoint.NAME
    path.write_bytes(path.read_bytes()[:keep])
    checkpoint.save(folder.parent / "other", state(20), [], "here")
    assert latest(folder, steps=100) == 20


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
