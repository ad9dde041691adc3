"""Extreme numbers: a result that records what happened, or a refusal; never a crash."""

import json

import numpy as np
import pytest

from batch_race.store import history
from nn.batches import MiniBatches
from nn.budget import Budget
from nn.examples import Examples, pixel_scaling
from nn.initializers import INITIALIZERS
from nn.ordering import arrange, order_columns
from nn.records import State
from nn.schedule import Schedule
from nn.trainer import Trainer


def train(images, labels, batch_size, learning_rate=0.01, kind="raw", **budget):
    """Train on images, arranged as in the workflow."""
    arranged = arrange(images, order_columns(images))
    examples = Examples(images, labels, pixel_scaling(kind, images), arranged)
    weights = INITIALIZERS["normal"](1, (1 + images.shape[1], 5), (6, 10))
    trainer = Trainer(
        State(weights),
        examples,
        examples,
        MiniBatches(len(labels), batch_size),
        learning_rate,
        Budget(**(budget or {"steps": 20})),
        Schedule(every_steps=1),
    )
    trainer.warm_up()
    return trainer.run(), trainer


def random_images(count=40, side=4, classes=10):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, side * side), dtype=np.uint8)
    return images, random.integers(0, classes, count, dtype=np.uint8)


@pytest.mark.parametrize("batch_size", [1, 7, 40])
def test_weights_that_overflow_float32_end_the_run_as_diverged(batch_size):
    stopped, trainer = train(*random_images(), batch_size, learning_rate=1e38, steps=200)
    assert stopped == "diverged"
    losses = [evaluation.training_loss for evaluation in trainer.evaluations]
    assert np.isfinite(losses[0])
    assert not losses[-1] <= 10 * losses[0]
    assert trainer.step < 200
    assert all(0 <= evaluation.test_accuracy <= 100 for evaluation in trainer.evaluations)


@pytest.mark.parametrize("kind", ["raw", "unit", "standardized"])
@pytest.mark.parametrize("pixel", [0, 7, 255])
def test_constant_images(kind, pixel):
    images = np.full((30, 9), pixel, dtype=np.uint8)
    stopped, trainer = train(images, np.zeros(30, dtype=np.uint8), 8, kind=kind)
    assert stopped == "budget"
    assert np.isfinite([evaluation.training_loss for evaluation in trainer.evaluations]).all()
    assert trainer.evaluations[-1].test_accuracy == 100


def test_a_class_that_never_occurs_becomes_improbable():
    stopped, trainer = train(
        *random_images(classes=9), 10, learning_rate=0.1, kind="unit", steps=300
    )
    assert stopped == "budget"
    bias = trainer.state.weights.w2[0]
    assert bias.argmin() == 9


def test_one_image():
    images, labels = random_images(count=1)
    stopped, trainer = train(images, labels, 1, learning_rate=0.1, kind="unit", steps=200)
    assert stopped == "budget"
    assert trainer.evaluations[-1].test_accuracy == 100
    assert trainer.evaluations[-1].epoch == 200


def test_a_batch_of_all_images_but_not_more():
    assert train(*random_images(), 40)[0] == "budget"
    for size in (41, 4_000_000):
        with pytest.raises(ValueError, match=f"batch_size: found {size}, expected 1 to the 40 exa"):
            train(*random_images(), size)


def test_a_budget_shorter_than_a_step_takes_one_step():
    stopped, trainer = train(*random_images(), 40, seconds=1e-9)
    assert stopped == "budget"
    assert trainer.step == 1
    assert [evaluation.step for evaluation in trainer.evaluations] == [0, 1]


def test_losses_that_are_not_numbers_through_the_whole_workflow(project):
    """No configuration causes them, so the test breaks the code that draws the initial weights."""
    with (project.folder / "nn" / "initializers.py").open("a") as file:
        file.write(
            "\n\ndef broken(*arguments):\n"
            "    return Weights(*(np.nan * weights for weights in normal(*arguments)))\n"
            "\n\nINITIALIZERS['normal'] = broken\n"
        )
    project.edit_config(batch_size=32, initializer=["nx", "normal"])
    printed = project.run()
    assert "Traceback" not in printed
    ends = {}
    for path in project.folder.glob("results/train/*/*/*/history.parquet"):
        table, metadata = history.read(path)
        ends[metadata["specification"]["initializer"]] = metadata["stopped"]
        if metadata["stopped"] == "diverged":
            assert table["training_loss"].is_nan().all()
            assert table["step"].to_list() == [0]
    assert ends == {"nx": "budget", "normal": "diverged"}

    # JSON has no notation for values that are not numbers.
    written = list(project.folder.glob("results/**/*.json"))
    assert len(written) > 10
    for path in written:
        json.loads(path.read_text(), parse_constant=pytest.fail)
    page = (project.folder / "results/page/race/report.html").read_text()
    assert "NaN" not in page.partition("</style>")[2].partition("<script")[0]
    assert "diverged" in page
