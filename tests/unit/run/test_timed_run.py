"""A run from its specification: its log, and what it resumes from."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest

from batch_race.run import checkpoint, timed_run
from batch_race.run.snapshots import Snapshots
from batch_race.run.timed_run import Run, log_evaluation
from nn.engine import subnormals
from nn.engine.elementwise import ELEMENTWISE
from nn.examples import Examples
from nn.ordering import arrange, order_columns
from nn.records import Evaluation
from tests.project import DEFAULTS
from tests.unit.store.test_history import METADATA


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (0, "start > Loss: 2.25, Accuracy: 47.22% (step 0, "),
        # As the chapter's program counts two epochs of three batches.
        (1, "0-0 > Loss: 2.25, Accuracy: 47.22% (step 1, "),
        (3, "0-2 > Loss: 2.25, Accuracy: 47.22% (step 3, "),
        (4, "1-0 > Loss: 2.25, Accuracy: 47.22% (step 4, "),
        (6, "1-2 > Loss: 2.25, Accuracy: 47.22% (step 6, 0.500 s of training, 1.500 s in all)"),
    ],
)
def test_an_evaluation_is_logged_as_the_chapter_prints_it(caplog, step, line):
    caplog.set_level(logging.INFO)
    log_evaluation(Evaluation(step, 0, 0, 0.5, 1.5, 0.5, 2.25, 47.22), batches_per_epoch=3)
    assert caplog.messages[0].startswith(line)


def examples():
    """Return a few small images with dense and sparse columns."""
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (60, 9), dtype=np.uint8)
    images[random.random(images.shape) < np.linspace(0, 1, 9)] = 0
    arranged = arrange(images, order_columns(images))
    return Examples(images, random.integers(0, 10, 60), arranged=arranged)


def specification(**changes):
    small = {"hidden_nodes": 6, "batch_size": 4, "inputs": "unit", "learning_rate": 0.1}
    rest = {"budget": {"steps": 1}, "evaluation": {"every_steps": 10}}
    return DEFAULTS | small | rest | changes


def a_run(**changes):
    return Run(specification(**changes), examples(), examples())


def trainer(run, folder, attend=lambda trainer: None):
    """Return a run's trainer from the state that it finds for a folder."""
    return run.trainer(run.start(folder, "here").state, SimpleNamespace(attend=attend))


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("elementwise", ELEMENTWISE)
def test_what_computes_the_elementwise_functions(tmp_path, elementwise, batch_size, monkeypatch):
    calls = set()
    for name, kind in ELEMENTWISE.items():
        for function in ("scale", "sigmoid", "times_slope", "exponentials"):
            method = getattr(kind, function)

            def counted(*arguments, _name=name, _method=method, **others):
                calls.add(_name)
                return _method(*arguments, **others)

            monkeypatch.setattr(kind, function, counted)
    trainer(a_run(batch_size=batch_size, elementwise=elementwise), tmp_path / "1_steps").run()
    assert calls == {elementwise}


@pytest.mark.parametrize(
    ("module", "name", "message"),
    [
        (subnormals, "_REGISTER", "subnormals are kept"),
        (timed_run, "LOOPS", "its public sparse arrays are used"),
    ],
)
def test_what_makes_a_run_slower_is_logged(tmp_path, caplog, monkeypatch, module, name, message):
    trainer(a_run(), tmp_path / "1_steps")
    assert not caplog.messages
    monkeypatch.setattr(module, name, None)
    trainer(a_run(), tmp_path / "1_steps")
    assert len(caplog.messages) == 1
    assert message in caplog.messages[0]


class StopError(Exception):
    """Ends a run from outside."""


@pytest.mark.parametrize("source", ["checkpoint", "finished run"])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("batch_size", [1, 7, 60])
def test_a_run_resumes_bit_for_bit(tmp_path, batch_size, momentum, source):
    given = {"batch_size": batch_size, "momentum": momentum}
    folder = tmp_path / "40_steps"
    whole = trainer(a_run(budget={"steps": 40}, **given), folder)
    whole.run()
    if source == "checkpoint":
        interrupt(a_run(budget={"steps": 40}, **given), folder)
    else:
        finish(specification(budget={"steps": 20}, **given), tmp_path / "20_steps")
    again = trainer(a_run(budget={"steps": 40}, **given), folder)
    assert again.step == 20
    again.warm_up()
    again.run()
    assert losses(again) == losses(whole)
    assert_same(again.state, whole.state)


def interrupt(run, folder):
    """Train to step 20, and save a checkpoint there."""

    def attend(interrupted):
        if interrupted.step == 20:
            checkpoint.save(folder, interrupted.state, [], "here")
            raise StopError

    with pytest.raises(StopError):
        trainer(run, folder, attend).run()


def finish(of, folder):
    """Train to the end, and write the results."""
    finished = trainer(Run(of, examples(), examples()), folder)
    finished.run()
    names = {"history": "parquet", "clock": "parquet", "weights": "npz", "specification": "json"}
    paths = {name: folder / f"{name}.{suffix}" for name, suffix in names.items()}
    timed_run.save(paths, finished, METADATA | {"specification": of, "fingerprint": "here"})


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_replay_from_a_snapshot_is_the_run_bit_for_bit(tmp_path, momentum):
    run = a_run(budget={"steps": 40}, momentum=momentum)
    snapshots = Snapshots(tmp_path, "here")

    def attend(attended):
        if attended.step == 20:
            snapshots.take(SimpleNamespace(training_seconds=2.0, state=attended.state))

    whole = trainer(run, tmp_path / "40_steps", attend)
    whole.run()
    assert snapshots.latest(0, 40).step == 20
    replay = run.replay(snapshots)
    replay.go_to(40)
    assert_same(replay.snapshot, whole.state)


def losses(trained):
    return [evaluation.training_loss for evaluation in trained.evaluations]


def assert_same(state, other):
    """Compare weights and velocities bit for bit."""
    assert (state.velocity is None) == (other.velocity is None)
    arrays, others = ([*each.weights, *(each.velocity or ())] for each in (state, other))
    for array, same in zip(arrays, others, strict=True):
        assert np.array_equal(array, same)
