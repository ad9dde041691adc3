"""The formulas of the network, compared with numerical gradients and exact arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest

from nn import network
from nn.network import Weights


def small_problem(dtype=np.float64, n_examples=7):
    random = np.random.default_rng(3)
    weights = Weights(
        random.normal(0, 0.5, (1 + 6, 5)).astype(dtype),
        random.normal(0, 0.5, (1 + 5, 10)).astype(dtype),
    )
    x = random.uniform(0, 2, (n_examples, 6)).astype(dtype)
    labels = random.integers(0, 10, n_examples)
    return x, labels, weights


def summed_loss(x, labels, weights):
    _, logits = network.forward(x, weights)
    return network.cross_entropy(logits, labels) * len(labels)


@pytest.mark.parametrize("layer", [0, 1])
def test_gradient_is_the_numerical_one(layer):
    x, labels, weights = small_problem()
    hidden, logits = network.forward(x, weights)
    gradient = network.backward(x, labels, hidden, logits, weights)[layer]
    epsilon = 1e-6
    for position in np.ndindex(gradient.shape):
        original = weights[layer][position]
        weights[layer][position] = original + epsilon
        above = summed_loss(x, labels, weights)
        weights[layer][position] = original - epsilon
        below = summed_loss(x, labels, weights)
        weights[layer][position] = original
        numerical = (above - below) / (2 * epsilon)
        assert gradient[position] == pytest.approx(numerical, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_descent_is_that_of_pytorch(momentum):
    # torch.optim.SGD(lr=0.1, momentum=momentum): without dampening or Nesterov's variant.
    x, labels, weights = small_problem()
    velocity = Weights(*map(np.zeros_like, weights))
    parameters = [array.copy() for array in weights]
    buffers = [np.zeros_like(array) for array in weights]
    for _ in range(20):
        hidden, logits = network.forward(x, weights)
        gradient = network.backward(x, labels, hidden, logits, weights)
        weights, velocity = network.descend(weights, velocity, gradient, 0.1, momentum)
        for parameter, buffer, slope in zip(parameters, buffers, gradient, strict=True):
            buffer[:] = momentum * buffer + slope
            parameter -= 0.1 * buffer
    for array, parameter in zip(weights, parameters, strict=True):
        assert array == pytest.approx(parameter, rel=1e-12)
    for array, buffer in zip(velocity, buffers, strict=True):
        assert array == pytest.approx(-0.1 * buffer, rel=1e-12)


def test_gradients_of_chunks_add_up():
    x, labels, weights = small_problem()

    def gradient(rows):
        hidden, logits = network.forward(x[rows], weights)
        return network.backward(x[rows], labels[rows], hidden, logits, weights)

    whole = gradient(slice(None))
    for total, first, second in zip(
        whole, gradient(slice(0, 3)), gradient(slice(3, None)), strict=True
    ):
        assert total == pytest.approx(first + second, rel=1e-12)


def test_float32_stays_float32():
    x, labels, weights = small_problem(np.float32)
    hidden, logits = network.forward(x, weights)
    gradient = network.backward(x, labels, hidden, logits, weights)
    assert {a.dtype for a in (hidden, logits, *gradient)} == {np.dtype(np.float32)}


def test_forward_by_hand():
    weights = Weights(np.array([[0.5], [2.0]]), np.array([[1.0, 0.0], [3.0, -1.0]]))
    hidden, logits = network.forward(np.array([[-0.25]]), weights)
    assert hidden == pytest.approx(0.5)
    assert logits[0] == pytest.approx([2.5, -0.5])


def test_cross_entropy_by_exact_fractions():
    # Logits that are logarithms of whole numbers: the probabilities are 2/10, 3/10 and 5/10.
    logits = np.log(np.array([[2.0, 3.0, 5.0], [2.0, 3.0, 5.0]]))
    expected = -(math.log(Fraction(3, 10)) + math.log(Fraction(5, 10))) / 2
    assert network.cross_entropy(logits, np.array([1, 2])) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("scale", [0, 1e-30, 1, 88, 1e4, 1e30, 3e38])
def test_loss_and_softmax_are_finite_for_any_logits(scale):
    logits = np.array([[-1, 0.5, 1], [1, 1, 1], [0, -1, -0.5]], dtype=np.float32) * np.float32(
        scale
    )
    labels = np.array([0, 1, 2])
    assert math.isfinite(network.cross_entropy(logits, labels))
    with np.errstate(over="ignore"):
        probabilities = network.softmax(logits)
    assert np.isfinite(probabilities).all()
    assert probabilities.sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize("size", [1e10, 1e37, 3.4e38])
@pytest.mark.parametrize("pixel", [0, 255])
def test_finite_weights_give_finite_results(size, pixel):
    x, labels, weights = small_problem(np.float32)
    x[:] = pixel
    for array in weights:
        array[:] = np.float32(size) * np.sign(array)
    hidden, logits = network.forward(x, weights)
    assert np.isfinite(hidden).all()
    assert math.isfinite(network.cross_entropy(logits, labels))
    # The signs of a column of weights decide between 0 and 1, and these between the classes.
    sums = np.sign(weights.w1[0]) + pixel * np.sign(weights.w1[1:]).sum(axis=0)
    exact = np.sign(weights.w2[0]) + ((1 + np.sign(sums)) / 2) @ np.sign(weights.w2[1:])
    assert np.argmax(exact) == network.predict(x, weights)[0]


def test_sigmoid_at_its_ends():
    z = np.array([-1e30, -100, 0, 100, 1e30], dtype=np.float32)
    with np.errstate(over="ignore"):
        network.sigmoid(z)
    assert z == pytest.approx([0, 0, 0.5, 1, 1], abs=1e-40)


def test_predict_takes_the_largest_logit():
    x, _, weights = small_problem()
    _, logits = network.forward(x, weights)
    assert network.predict(x, weights).tolist() == [list(row).index(max(row)) for row in logits]
