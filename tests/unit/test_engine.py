"""Steps and evaluations in pieces, against the plain formulas over everything at once."""

import math

import numpy as np
import pytest

from nn import engine, network
from nn.examples import Examples
from nn.initializers import normal
from nn.network import Weights

RANDOM = np.random.default_rng(8)


def problem(n_examples):
    images = RANDOM.integers(0, 256, (n_examples, 12), dtype=np.uint8)
    labels = RANDOM.integers(0, 10, n_examples)
    return Examples(images, labels, (1 / 255, 0.0)), normal(2, (13, 6), (7, 10))


def copy(weights, dtype=np.float32):
    return Weights(*(array.astype(dtype, copy=True) for array in weights))


@pytest.mark.parametrize("n_examples", [1, 31, engine.PIECE, engine.PIECE + 1, 3 * engine.PIECE])
def test_a_step_follows_the_mean_gradient(n_examples):
    examples, weights = problem(n_examples)
    exact = copy(weights, np.float64)
    x = examples.images / 255
    hidden, logits = network.forward(x, exact)
    gradient = network.backward(x, examples.labels, hidden, logits, exact)
    engine.descend(weights, examples, slice(0, n_examples), learning_rate=0.5)
    for moved, start, slope in zip(weights, exact, gradient, strict=True):
        assert moved == pytest.approx(start - 0.5 / n_examples * slope, rel=1e-5, abs=1e-7)


def test_rows_in_any_order_and_number():
    examples, weights = problem(50)
    rows = np.array([4, 4, 49, 0])
    by_index = copy(weights)
    engine.descend(by_index, examples, rows, learning_rate=0.5)
    picked = Examples(examples.images[rows], examples.labels[rows], examples.scaling)
    engine.descend(weights, picked, slice(0, 4), learning_rate=0.5)
    assert np.array_equal(by_index.w1, weights.w1)


@pytest.mark.parametrize("n_examples", [1, engine.PIECE, 2 * engine.PIECE + 7])
def test_evaluation_is_that_of_all_at_once(n_examples):
    examples, weights = problem(n_examples)
    _, logits = network.forward(examples.images / 255, copy(weights, np.float64))
    loss, accuracy = engine.evaluate(weights, examples)
    assert loss == pytest.approx(network.cross_entropy(logits, examples.labels), rel=1e-6)
    right = logits.argmax(axis=1) == examples.labels
    assert accuracy == pytest.approx(100 * right.mean(), rel=1e-12)


@pytest.mark.parametrize("size", [1e10, 1e37, 3.4e38])
@pytest.mark.parametrize("signs", ["same", "mixed"])
def test_the_loss_is_finite_for_any_finite_weights(size, signs):
    examples, weights = problem(20)
    for array in weights:
        array[:] = size if signs == "same" else size * np.sign(array)
    examples = examples._replace(scaling=(1.0, 0.0))
    loss, accuracy = engine.evaluate(weights, examples)
    assert math.isfinite(loss)
    assert 0 <= accuracy <= 100
