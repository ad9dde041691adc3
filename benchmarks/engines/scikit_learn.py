"""scikit-learn's MLPClassifier, a batch at a time."""

import contextlib

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.engines.problem import Problem
from nn.engine.subnormals import are_flushed
from nn.network import Weights


class Engine:
    """See `benchmarks.engines.problem.Engine`."""

    def __init__(self, problem: Problem) -> None:
        self._x = problem.training.inputs(problem.factor)
        self._labels = problem.training.labels
        self._test_x = problem.test.inputs(problem.factor)
        self._test_labels = problem.test.labels
        self._network = MLPClassifier(
            (problem.weights.w1.shape[1],),
            activation="logistic",
            solver="sgd",
            alpha=0,
            learning_rate_init=problem.learning_rate,
            momentum=0,
            shuffle=False,
        )
        # It creates its weights in its first step; then they are replaced.
        self._network.partial_fit(self._x[:10], self._labels[:10], classes=np.arange(10))
        self._network.coefs_ = [array[1:].copy() for array in problem.weights]
        self._network.intercepts_ = [array[0].copy() for array in problem.weights]
        del self._network._optimizer  # it refers to the weights before
        self._batch_size = 0

    def running(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def flushes_subnormals(self) -> bool:
        return are_flushed()

    def prepare(self, batch_size: int, n_batches: int) -> None:
        self._batch_size = batch_size
        self._network.set_params(batch_size=batch_size)

    def step(self, index: int) -> None:
        start = index * self._batch_size
        stop = start + self._batch_size
        self._network.partial_fit(self._x[start:stop], self._labels[start:stop])

    def evaluate(self) -> tuple[float, float]:
        probabilities = self._network.predict_proba(self._x)
        of_true_class = probabilities[np.arange(len(self._labels)), self._labels]
        is_correct = self._network.predict(self._test_x) == self._test_labels
        return float(-np.log(of_true_class).mean()), float(100 * is_correct.mean())

    def weights(self) -> Weights:
        network = self._network
        return Weights(*map(np.vstack, zip(network.intercepts_, network.coefs_, strict=True)))
