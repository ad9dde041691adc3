"""What a run writes into its log."""

import logging

import pytest

from nn.trainer import Evaluation
from workflow.scripts.common.training import log_evaluation


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
