"""What a run writes into its log."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest

from batch_race.run import timed_run
from batch_race.run.timed_run import Run, log_evaluation
from nn.engine import subnormals
from nn.engine.elementwise import ELEMENTWISE
from nn.examples import Examples
from nn.initializers import normal
from nn.records import Evaluation, State


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


def a_run(batch_size=4, elementwise="numpy"):
    """Put a run together on a few small images."""
    examples = Examples(np.ones((20, 8), dtype=np.uint8), np.arange(20) % 10)
    specification = {
        **{"batch_size": batch_size, "learning_rate": 0.1, "hidden_nodes": 6, "seed": 1},
        **{"initializer": "normal", "inputs": "raw", "shuffle": False, "leftover": "repeat"},
        **{"threads": 1, "elementwise": elementwise},
        **{"budget": {"steps": 1}, "evaluation": {"every_steps": 1}},
    }
    run = Run(specification, examples, examples)
    state = State(normal(1, (9, 6), (7, 10)))
    return lambda: run.trainer(state, SimpleNamespace(attend=lambda trainer: None))


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("elementwise", ELEMENTWISE)
def test_what_computes_the_elementwise_functions(elementwise, batch_size, monkeypatch):
    calls = set()
    for name, kind in ELEMENTWISE.items():
        for function in ("scale", "sigmoid", "times_slope", "exponentials"):
            method = getattr(kind, function)

            def counted(*arguments, _name=name, _method=method, **others):
                calls.add(_name)
                return _method(*arguments, **others)

            monkeypatch.setattr(kind, function, counted)
    a_run(batch_size, elementwise)().run()
    assert calls == {elementwise}


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        (subnormals, "_REGISTER", "subnormals are kept"),
        (timed_run, "LOOPS", "its public sparse arrays are used"),
    ],
)
def test_what_makes_a_run_slower_is_logged(caplog, monkeypatch, module, name, words):
    trainer = a_run()
    trainer()
    assert not caplog.messages
    monkeypatch.setattr(module, name, None)
    trainer()
    assert len(caplog.messages) == 1
    assert words in caplog.messages[0]
