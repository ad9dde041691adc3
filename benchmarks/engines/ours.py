"""The engine of nn, with the images as the workflow prepares them."""

import contextlib
from pathlib import Path

from batch_race.data.examples import open_arranged
from benchmarks.engines.problem import Problem
from nn import engine
from nn.engine import ready
from nn.examples import Examples
from nn.network import Weights


class Engine:
    """See `benchmarks.engines.problem.Engine`."""

    def __init__(self, problem: Problem) -> None:
        self._training, self._test = (ready(_examples(problem, part)) for part in ("train", "test"))
        self._engine = engine.Engine(problem.weights, self._training, problem.threads)
        self._learning_rate = problem.learning_rate
        self._batch_size = 0

    def running(self) -> contextlib.AbstractContextManager[None]:
        return self._engine.running()

    def flushes_subnormals(self) -> bool:
        return self._engine.flushes_subnormals()

    def prepare(self, batch_size: int, n_batches: int) -> None:
        self._batch_size = batch_size

    def step(self, index: int) -> None:
        start = index * self._batch_size
        rows = slice(start, start + self._batch_size)
        self._engine.descend(self._training, rows, self._learning_rate)

    def evaluate(self) -> tuple[float, float]:
        return self._engine.evaluate(self._training)[0], self._engine.evaluate(self._test)[1]

    def weights(self) -> Weights:
        return self._engine.weights


def _examples(problem: Problem, part: str) -> Examples:
    images = problem.training if part == "train" else problem.test
    examples = Examples(*images, (problem.factor, 0.0))
    if not problem.prepared:
        return examples
    names = ("columns.npy", f"{part}_dense.npy", f"{part}_sparse.npz")
    paths = {Path(name).stem: problem.prepared / name for name in names}
    return examples._replace(arranged=open_arranged(paths, part))
