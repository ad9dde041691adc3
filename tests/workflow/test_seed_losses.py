"""On the real MNIST, our trainer takes the steps that the chapter's program takes.

The numbers are those of the chapter's program, run operation for operation in float32 from
Nx.Random.key(1234): 200 hidden nodes, learning rate 0.01.
"""

import pytest

from batch_race.data import idx
from nn.batches import MiniBatches
from nn.budget import Budget
from nn.examples import Examples
from nn.initializers import nx
from nn.records import State
from nn.schedule import Schedule
from nn.trainer import Trainer
from tests.conftest import PUBLISHED

# (step, loss, accuracy in percent), after each step of full-batch gradient descent.
FULL_BATCH = [
    (1, 2.278716802597046, 13.80),
    (2, 2.2671103477478027, 18.27),
    (3, 2.2557084560394287, 24.21),
    (4, 2.2444679737091064, 29.92),
    (5, 2.2333567142486572, 34.72),
    (6, 2.2223360538482666, 39.39),
    (7, 2.2113895416259766, 43.83),
    (8, 2.200530767440796, 47.22),
    (9, 2.189769744873047, 50.53),
    (10, 2.17907452583313, 53.25),
]

# (step, loss, its relative tolerance, accuracy in percent, its tolerance), at batch size 32. Raw
# pixels saturate the sigmoid, so float32's rounding grows from step to step: at steps 50 and 100,
# right programs that sum in another order, one of them in float64, differ in accuracy by 0.1 to
# 1.1 points.
BATCH_32 = [
    (0, 2.2905330657958984, 2e-5, 11.1, 0.05),
    (1, 2.2795979976654053, 2e-5, 18.94, 0.05),
    (10, 2.183368682861328, 2e-5, 44.80, 0.05),
    (50, 1.795104742050171, 1e-3, 71.12, 1.5),
    (100, 1.3364448547363281, 1e-2, 77.17, 1.5),
]


@pytest.fixture(scope="module")
def examples(mnist_folder):
    def load(part):
        images = idx.read(mnist_folder / PUBLISHED[f"{part}_images"], (None, 28, 28))
        labels = idx.read(mnist_folder / PUBLISHED[f"{part}_labels"], (None,))
        return Examples(images.reshape(-1, 784), labels.astype(int))

    return load("train"), load("test")


def evaluations(examples, batch_size, steps, every_steps):
    training, test = examples
    trainer = Trainer(
        state=State(nx(1234, (785, 200), (201, 10))),
        training=training,
        test=test,
        batches=MiniBatches(60_000, batch_size),
        learning_rate=0.01,
        budget=Budget(steps=steps),
        schedule=Schedule(every_steps=every_steps),
    )
    trainer.run()
    return {evaluation.step: evaluation for evaluation in trainer.evaluations}


def test_full_batch(examples):
    ours = evaluations(examples, 60_000, steps=10, every_steps=1)
    for step, loss, accuracy in FULL_BATCH:
        assert ours[step].training_loss == pytest.approx(loss, rel=2e-5)
        assert ours[step].test_accuracy == pytest.approx(accuracy, abs=0.05)


def test_batch_32(examples):
    ours = evaluations(examples, 32, steps=100, every_steps=10)
    ours |= evaluations(examples, 32, steps=1, every_steps=1)
    for step, loss, loss_tolerance, accuracy, accuracy_tolerance in BATCH_32:
        assert ours[step].training_loss == pytest.approx(loss, rel=loss_tolerance)
        assert ours[step].test_accuracy == pytest.approx(accuracy, abs=accuracy_tolerance)
