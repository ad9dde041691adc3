"""What every engine should find: the plain formulas, in float64."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.engines.problem import Images, Problem
from nn.network import Weights, backward, cross_entropy, forward

BATCH_SIZES = (1, 32, 128, 60_000)
STEPS = 10
EVALUATED = 32
"""The batch size after whose steps the network is also evaluated."""

PIECE = 5000


class Exact(NamedTuple):
    """Weights after some steps, by batch size, and the loss and the accuracy after some of them."""

    weights: dict[int, Weights]
    loss: float
    accuracy: float


def compute(problem: Problem) -> Exact:
    """Take the steps."""
    weights = {batch_size: _after_steps(problem, batch_size) for batch_size in BATCH_SIZES}
    some = weights[EVALUATED]
    n_training, n_test = len(problem.training.labels), len(problem.test.labels)
    loss = n_right = 0.0
    for x, labels in _pieces(problem.training, problem.factor, 0, n_training):
        loss += cross_entropy(forward(x, some)[1], labels) * len(labels) / n_training
    for x, labels in _pieces(problem.test, problem.factor, 0, n_test):
        n_right += np.count_nonzero(forward(x, some)[1].argmax(axis=1) == labels)
    return Exact(weights, loss, 100 * n_right / n_test)


def write(path: Path, exact: Exact) -> None:
    """Write them where other processes can read them."""
    arrays = {
        f"{layer}_{batch_size}": array
        for batch_size, weights in exact.weights.items()
        for layer, array in weights._asdict().items()
    }
    np.savez(path, loss=exact.loss, accuracy=exact.accuracy, **arrays)


def read(path: Path) -> Exact:
    """Read what `write` wrote."""
    with np.load(path) as arrays:
        weights = {
            size: Weights(arrays[f"w1_{size}"], arrays[f"w2_{size}"]) for size in BATCH_SIZES
        }
        return Exact(weights, float(arrays["loss"]), float(arrays["accuracy"]))


def _after_steps(problem: Problem, batch_size: int) -> Weights:
    weights = Weights(*(array.astype(np.float64) for array in problem.weights))
    n_batches = len(problem.training.labels) // batch_size
    for step in range(STEPS):
        start = step % n_batches * batch_size
        change = Weights(*map(np.zeros_like, weights))
        for x, labels in _pieces(problem.training, problem.factor, start, start + batch_size):
            hidden, logits = forward(x, weights)
            for total, part in zip(
                change, backward(x, labels, hidden, logits, weights), strict=True
            ):
                total += part
        for array, gradient in zip(weights, change, strict=True):
            array -= problem.learning_rate / batch_size * gradient
    return weights


def _pieces(images: Images, factor: float, start: int, stop: int):
    for first in range(start, stop, PIECE):
        rows = slice(first, min(first + PIECE, stop))
        yield images.pixels[rows] * np.float64(factor), images.labels[rows]
