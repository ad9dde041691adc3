"""The engine of nn, with the images as the workflow prepares them."""

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.engines.problem import Problem
from nn import engine
from nn.examples import Examples, ready
from nn.network import Weights
from nn.ordering import Arranged


class Engine:
    """See `benchmarks.engines.problem.Engine`."""

    def __init__(self, problem: Problem) -> None:
        threadpool_limits(limits=1, user_api="blas")
        if problem.prepared:
            training, test = (_open(problem, part) for part in ("train", "test"))
        else:
            scaling = problem.factor, 0.0
            parts = problem.training, problem.test
            training, test = (Examples(*images, scaling) for images in parts)
        self._training, self._test = ready(training), ready(test)
        self._engine = engine.Engine(problem.weights, training.columns, problem.threads)
        self._learning_rate = problem.learning_rate
        self._batch_size = 0

    def prepare(self, batch_size: int, n_batches: int) -> None:
        self._batch_size = batch_size

    def step(self, place: int) -> None:
        start = place * self._batch_size
        rows = slice(start, start + self._batch_size)
        self._engine.descend(self._training, rows, self._learning_rate)

    def evaluate(self) -> tuple[float, float]:
        return self._engine.evaluate(self._training)[0], self._engine.evaluate(self._test)[1]

    def weights(self) -> Weights:
        return self._engine.weights


def _open(problem: Problem, part: str) -> Examples:
    labels = problem.training.labels if part == "train" else problem.test.labels
    names = {key: f"{part}_{key}" for key in Arranged._fields} | {"columns": "columns"}
    files = {key: problem.prepared / f"{name}.npy" for key, name in names.items()}
    arrays = {key: np.load(path, mmap_mode="r") for key, path in files.items()}
    return Examples(labels=labels, scaling=(problem.factor, 0.0), **arrays)
