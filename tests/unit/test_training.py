"""What a run writes into its log."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest

from nn.engine import subnormals
from nn.examples import Examples
from nn.initializers import normal
from nn.trainer import Evaluation, State
from workflow.scripts.common import training
from workflow.scripts.common.training import Run, log_evaluation


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


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        (subnormals, "_REGISTER", "subnormals are kept"),
        (training, "LOOPS", "its public sparse arrays are used"),
    ],
)
def test_what_makes_a_run_slower_is_logged(caplog, monkeypatch, module, name, words):
    examples = Examples(np.ones((20, 8), dtype=np.uint8), np.arange(20) % 10)
    run = Run(
        {
            **{"batch_size": 4, "learning_rate": 0.1, "hidden_nodes": 6, "seed": 1},
            **{"initializer": "normal", "inputs": "raw", "shuffle": False, "leftover": "repeat"},
            **{"threads": 1, "elementwise": "numpy"},
            **{"budget": {"steps": 1}, "evaluation": {"every_steps": 1}},
        },
        examples,
        examples,
    )
    state = State(normal(1, (9, 6), (7, 10)))
    attendant = SimpleNamespace(attend=lambda trainer: None)
    run.trainer(state, attendant)
    assert not caplog.messages
    monkeypatch.setattr(module, name, None)
    run.trainer(state, attendant)
    assert len(caplog.messages) == 1
    assert words in caplog.messages[0]
