"""JAX: XLA on the CPU, as in the chapter. One compiled function for a step, with donated weights.

The batches are sliced beforehand and already on the device, which is fastest for JAX.
"""

import contextlib
import functools

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.engines.problem import Problem
from nn.network import Weights


def logits(parameters, x):
    w1, b1, w2, b2 = parameters
    return jax.nn.sigmoid(x @ w1 + b1) @ w2 + b2


def loss(parameters, x, labels):
    log_probabilities = jax.nn.log_softmax(logits(parameters, x))
    return -jnp.mean(jnp.take_along_axis(log_probabilities, labels[:, None], axis=1))


@functools.partial(jax.jit, donate_argnums=0, static_argnames="learning_rate")
def descend(parameters, x, labels, learning_rate):
    gradient = jax.grad(loss)(parameters, x, labels)
    return [p - learning_rate * g for p, g in zip(parameters, gradient, strict=True)]


@jax.jit
def measure(parameters, x, labels, test_x, test_labels):
    is_correct = logits(parameters, test_x).argmax(axis=1) == test_labels
    return loss(parameters, x, labels), 100 * is_correct.mean()


class Engine:
    """See `benchmarks.engines.problem.Engine`."""

    def __init__(self, problem: Problem) -> None:
        w1, w2 = problem.weights
        self._parameters = [jnp.array(array) for array in (w1[1:], w1[0], w2[1:], w2[0])]
        self._training, self._test = (
            [jnp.asarray(images.inputs(problem.factor)), jnp.asarray(images.labels, jnp.int32)]
            for images in (problem.training, problem.test)
        )
        self._learning_rate = problem.learning_rate
        self._batches = []

    def running(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def flushes_subnormals(self) -> bool:
        return not float(jax.jit(jnp.multiply)(np.float32(1e-38), np.float32(0.1)))

    def prepare(self, batch_size: int, n_batches: int) -> None:
        self._batches = []  # frees those of another size first
        self._batches = [
            [array[start : start + batch_size] for array in self._training]
            for start in range(0, n_batches * batch_size, batch_size)
        ]

    def step(self, index: int) -> None:
        self._parameters = descend(
            self._parameters, *self._batches[index], learning_rate=self._learning_rate
        )
        # A race checks its budget after each step, so each must be complete.
        jax.block_until_ready(self._parameters)

    def evaluate(self) -> tuple[float, float]:
        found = measure(self._parameters, *self._training, *self._test)
        return float(found[0]), float(found[1])

    def weights(self) -> Weights:
        w1, b1, w2, b2 = map(np.asarray, self._parameters)
        return Weights(np.vstack((b1, w1)), np.vstack((b2, w2)))
