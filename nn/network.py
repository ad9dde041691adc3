"""The reference: a network with one hidden layer of sigmoids and a softmax, and its training.

`nn.engine` computes the same faster and is tested against these plain formulas. They are the
mathematics of chapter 13, with stable forms of softmax and log-loss, in any float dtype: the engine
works in float32, the numerical gradient check in float64.

Sources: P. Perrotta, "Programming Machine Learning", chapters 11 to 13; for the stable forms
P. Blanchard, D. J. Higham, N. J. Higham, "Accurately computing the log-sum-exp and softmax
functions", IMA Journal of Numerical Analysis 41 (2021); for momentum I. Sutskever, J. Martens,
G. Dahl, G. Hinton, "On the importance of initialization and momentum in deep learning", ICML 2013.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.integer[Any]]


class Weights(NamedTuple):
    """The weights of both layers; row 0 of each holds the biases.

    Attributes
    ----------
    w1 : ndarray of float, shape (1 + n_inputs, n_hidden)
    w2 : ndarray of float, shape (1 + n_hidden, n_classes)
    """

    w1: Floats
    w2: Floats


def sigmoid(z: Floats) -> Floats:
    """Compute 1 / (1 + exp(-z)) element by element, in place; 0 where exp overflows."""
    np.negative(z, out=z)
    np.exp(z, out=z)
    z += 1
    return np.reciprocal(z, out=z)


def softmax(logits: Floats) -> Floats:
    """Compute the class probabilities, in place.

    Parameters
    ----------
    logits : ndarray of float, shape (n_examples, n_classes)
        Overwritten.

    Returns
    -------
    ndarray of float, shape (n_examples, n_classes)
        The same array; each row sums to 1.
    """
    # The largest exponent is 0, so no sum is 0; a difference below float32's range is exp's 0.
    logits -= np.maximum.reduce(logits, axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= np.add.reduce(logits, axis=1, keepdims=True)
    return logits


def cross_entropies(logits: Floats, labels: Integers) -> Floats:
    """Compute each example's log-loss from its logits, so that no probability of 0 is logged.

    Parameters
    ----------
    logits : ndarray of float, shape (n_examples, n_classes)
    labels : ndarray of int, shape (n_examples,)
        The true classes.

    Returns
    -------
    ndarray of float64, shape (n_examples,)
        The losses in nats, finite for all finite logits.
    """
    # In float64 the difference of two float32 extremes does not overflow.
    shifted = logits - logits.max(axis=1, keepdims=True).astype(np.float64)
    # Below -104 float32's exp is 0; float64's takes ten times as long.
    exponentials = np.exp(np.maximum(shifted, -104).astype(logits.dtype))
    log_normalizers = np.log(exponentials.sum(axis=1, dtype=np.float64))
    losses: Floats = log_normalizers - shifted[np.arange(len(labels)), labels]
    return losses


def cross_entropy(logits: Floats, labels: Integers) -> float:
    """Compute the mean of the `cross_entropies`."""
    return float(np.mean(cross_entropies(logits, labels)))


def score(logits: Floats, labels: Integers) -> tuple[float, int]:
    """Compute the summed log-loss and the number of correctly classified examples.

    Parameters
    ----------
    logits : ndarray of float, shape (n_examples, n_classes)
    labels : ndarray of int, shape (n_examples,)
        The true classes.

    Returns
    -------
    loss : float
        In nats.
    n_correct : int
    """
    n_correct = np.count_nonzero(logits.argmax(axis=1) == labels)
    return cross_entropy(logits, labels) * len(labels), int(n_correct)


def forward(x: Floats, weights: Weights) -> tuple[Floats, Floats]:
    """Compute the activations and logits of examples.

    Parameters
    ----------
    x : ndarray of float, shape (n_examples, n_inputs)
    weights : Weights

    Returns
    -------
    hidden : ndarray of float, shape (n_examples, n_hidden)
        The hidden layer's activations.
    logits : ndarray of float, shape (n_examples, n_classes)
        Finite for all finite weights and inputs of float32.
    """
    w1, w2 = weights
    # An overflow is found below: one infinite number makes the sum infinite.
    with np.errstate(over="ignore", invalid="ignore"):
        z = x @ w1[1:] + w1[0]
        sum_of_z = z.sum()
        hidden = sigmoid(z)
        logits = hidden @ w2[1:] + w2[0]
        is_finite = np.isfinite(sum_of_z + logits.sum())
    if not is_finite and logits.dtype == np.float32:
        # Products of weights near the end of float32's range fit into float64.
        return forward(x.astype(np.float64), Weights(w1.astype(np.float64), w2.astype(np.float64)))
    return hidden, logits


def backward(
    x: Floats, labels: Integers, hidden: Floats, logits: Floats, weights: Weights
) -> Weights:
    """Compute the gradient of the examples' summed log-loss.

    Parameters
    ----------
    x : ndarray of float, shape (n_examples, n_inputs)
    labels : ndarray of int, shape (n_examples,)
        The true classes.
    hidden, logits : ndarray of float
        Those that `forward` returned for `x` and `weights`.
    weights : Weights

    Returns
    -------
    Weights
        The gradient, in the weights' shapes: a sum, so the gradients of a batch's chunks add up
        to the batch's.
    """
    logits_delta = softmax(logits.copy())
    logits_delta[np.arange(len(labels)), labels] -= 1
    hidden_delta = (logits_delta @ weights.w2[1:].T) * hidden * (1 - hidden)
    return Weights(
        w1=np.vstack((hidden_delta.sum(axis=0), x.T @ hidden_delta)),
        w2=np.vstack((logits_delta.sum(axis=0), hidden.T @ logits_delta)),
    )


def descend(
    weights: Weights, velocity: Weights, gradient: Weights, learning_rate: float, momentum: float
) -> tuple[Weights, Weights]:
    """Take a step of gradient descent with momentum.

    velocity = momentum * velocity - learning_rate * gradient, then weights = weights + velocity.
    For a fixed learning rate that is PyTorch's SGD, without dampening or Nesterov's variant:
    v = momentum * v + gradient, weights = weights - learning_rate * v.

    Parameters
    ----------
    weights : Weights
    velocity : Weights
        What the step before added to the weights; 0 before the first.
    gradient : Weights
        That of the mini-batch's mean loss.
    learning_rate : float
    momentum : float
        At least 0, which is plain gradient descent, and below 1.

    Returns
    -------
    weights : Weights
        After the step.
    velocity : Weights
        What the step added to the weights.
    """
    pairs = zip(velocity, gradient, strict=True)
    velocity = Weights(*(momentum * v - learning_rate * g for v, g in pairs))
    return Weights(*(w + v for w, v in zip(weights, velocity, strict=True))), velocity


def predict(x: Floats, weights: Weights) -> Integers:
    """Return the class of each example.

    Parameters
    ----------
    x : ndarray of float, shape (n_examples, n_inputs)
    weights : Weights

    Returns
    -------
    ndarray of int, shape (n_examples,)
        The class with the largest logit; the first of several equal ones.
    """
    _, logits = forward(x, weights)
    classes: Integers = logits.argmax(axis=1)
    return classes
