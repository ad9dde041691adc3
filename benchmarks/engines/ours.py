"""This project's engine, with its images in order of columns, as the workflow prepares them."""

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.engines.problem import LEARNING_RATE, Images, Problem
from nn import engine, ordering
from nn.examples import Examples, ReadyExamples, ready
from nn.network import Weights


class Engine:
    """See `benchmarks.engines.problem.Engine`."""

    def __init__(self, problem: Problem) -> None:
        threadpool_limits(limits=1, user_api="blas")
        columns = ordering.column_order(problem.training.pixels)
        self._training = _ordered(problem.training, columns)
        self._test = _ordered(problem.test, columns)
        self._engine = engine.Engine(problem.weights, columns, problem.threads)
        self._batch_size = 0

    def prepare(self, batch_size: int, n_batches: int) -> None:
        self._batch_size = batch_size

    def step(self, place: int) -> None:
        start = place * self._batch_size
        rows = slice(start, start + self._batch_size)
        self._engine.descend(self._training, rows, LEARNING_RATE)

    def evaluate(self) -> tuple[float, float]:
        return self._engine.evaluate(self._training)[0], self._engine.evaluate(self._test)[1]

    def weights(self) -> Weights:
        return self._engine.weights


def _ordered(images: Images, columns: "np.ndarray[tuple[int], np.dtype[np.intp]]") -> ReadyExamples:
    pixels = np.ascontiguousarray(images.pixels[:, columns])
    lengths = ordering.prefix_lengths(pixels)
    return ready(Examples(pixels, images.labels, lengths=lengths, columns=columns))
