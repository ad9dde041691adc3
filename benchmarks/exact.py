"""The exact results of every engine: the plain formulas in float64."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.engines.problem import Images, Problem
from nn.network import Floats, Integers, Weights, backward, descend, forward, score

BATCH_SIZES = (1, 32, 128, 60_000)
STEPS = 10
EVALUATED = 32
"""The batch size after whose steps the network is also evaluated."""

CHUNK = 5000
"""Examples computed with at once."""


class Exact(NamedTuple):
    """The weights after `STEPS` steps, by batch size; loss and accuracy at `EVALUATED`."""

    weights: dict[int, Weights]
    loss: float
    accuracy: float


def compute(problem: Problem) -> Exact:
    """Take steps by the formulas, and evaluate."""
    weights = {batch_size: _after_steps(problem, batch_size) for batch_size in BATCH_SIZES}
    loss, _ = _score(problem.training, problem.factor, weights[EVALUATED])
    _, n_correct = _score(problem.test, problem.factor, weights[EVALUATED])
    return Exact(
        weights,
        loss / len(problem.training.labels),
        100 * n_correct / len(problem.test.labels),
    )


def write(path: Path, exact: Exact) -> None:
    """Write the results for other processes."""
    arrays = {
        f"{layer}_{batch_size}": array
        for batch_size, weights in exact.weights.items()
        for layer, array in weights._asdict().items()
    }
    np.savez(path, loss=exact.loss, accuracy=exact.accuracy, **arrays)


def read(path: Path) -> Exact:
    """Read a file that `write` wrote."""
    with np.load(path) as arrays:
        weights = {
            size: Weights(arrays[f"w1_{size}"], arrays[f"w2_{size}"]) for size in BATCH_SIZES
        }
        return Exact(weights, float(arrays["loss"]), float(arrays["accuracy"]))


def _after_steps(problem: Problem, batch_size: int) -> Weights:
    weights = Weights(*(array.astype(np.float64) for array in problem.weights))
    velocity = Weights(*map(np.zeros_like, weights))
    n_batches = len(problem.training.labels) // batch_size
    for step in range(STEPS):
        start = step % n_batches * batch_size
        gradient = Weights(*map(np.zeros_like, weights))
        for x, labels in _chunks(problem.training, problem.factor, start, start + batch_size):
            hidden, logits = forward(x, weights)
            of_chunk = backward(x, labels, hidden, logits, weights)
            for array, summed in zip(gradient, of_chunk, strict=True):
                array += summed / batch_size
        weights, velocity = descend(
            weights, velocity, gradient, problem.learning_rate, momentum=0.0
        )
    return weights


def _score(images: Images, factor: float, weights: Weights) -> tuple[float, int]:
    """Return the summed loss and the number of correctly classified images."""
    chunks = _chunks(images, factor, 0, len(images.labels))
    losses, counts = zip(
        *(score(forward(x, weights)[1], labels) for x, labels in chunks), strict=True
    )
    return sum(losses), sum(counts)


def _chunks(
    images: Images, factor: float, start: int, stop: int
) -> Iterator[tuple[Floats, Integers]]:
    for first in range(start, stop, CHUNK):
        rows = slice(first, min(first + CHUNK, stop))
        yield images.pixels[rows] * np.float64(factor), images.labels[rows]
