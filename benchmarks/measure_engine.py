"""Measurements of one engine in a process of its own, on request.

    echo "steps real 32" | python -m benchmarks.measure_engine ours --late FOLDER
        --parsed results/parse/mnist --prepared results/prepare/mnist

FOLDER is that of `benchmarks.late`. Each input line names a method of `Measurements`, with its
argument; each output line is its result as JSON. So `benchmarks.race_engines` lets the processes of
several engines take turns.
"""

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from threadpoolctl import threadpool_limits

from batch_race.run.contention import read_counters
from benchmarks import exact
from benchmarks.engines import problem as problems
from benchmarks.engines.problem import Engine, Problem

RECIPE = {"learning_rate": 0.5, "factor": 1 / 255}
RECIPE_BATCH_SIZE = 32
ACCURACY = 97.0

SECONDS = 0.1
"""The shortest measurement, without its warm-up."""

Sample = dict[str, float]
"""The seconds of one repetition as `value`, and the system's counters meanwhile."""


def started(name: str, problem: Problem) -> Engine:
    """Return an engine by the name of its module."""
    engine: Engine = importlib.import_module(f"benchmarks.engines.{name}").Engine(problem)
    return engine


class Measurements:
    """The measurements of an engine.

    Parameters
    ----------
    name : str
        That of its module.
    problem : Problem
    late : Path, optional
        The folder of `benchmarks.late`.
    """

    def __init__(self, name: str, problem: Problem, late: Path | None = None) -> None:
        self._name = name
        self._problem = problem
        self._late = late
        self._engines: dict[str, Engine] = {}
        self._prepared: dict[str, int] = {}

    def differences(self, path: str) -> dict[str, float]:
        """Return the differences of weights, loss and accuracy from those of `benchmarks.exact`."""
        expected = exact.read(Path(path))
        found = {}
        for batch_size, weights in expected.weights.items():
            engine = started(self._name, self._problem)
            n_batches = min(exact.STEPS, len(self._problem.training.labels) // batch_size)
            engine.prepare(batch_size, n_batches)
            with engine.running():
                for step in range(exact.STEPS):
                    engine.step(step % n_batches)
            pairs = zip(engine.weights(), weights, strict=True)
            found[f"difference_batch_{batch_size}"] = max(
                float(np.abs(array - exactly).max()) for array, exactly in pairs
            )
            if batch_size == exact.EVALUATED:
                with engine.running():
                    loss, accuracy = engine.evaluate()
                found["difference_loss"] = abs(loss - expected.loss) / expected.loss
                found["difference_accuracy"] = abs(accuracy - expected.accuracy)
        return found

    def steps(self, what: str) -> list[Sample]:
        """Return the mean of a step over consecutive batches, repetition by repetition.

        Parameters
        ----------
        what : str
            A kind of problem (see `_problem_of`) and a batch size.
        """
        kind, size = what.split()
        engine, n_batches = self._ready(kind, int(size))
        indices = list(range(n_batches))

        def epoch() -> None:
            for index in indices:
                engine.step(index)

        with engine.running():
            found = _repeated(epoch)
        return [{key: value / n_batches for key, value in sample.items()} for sample in found]

    def evaluation(self) -> list[Sample]:
        """Return the seconds of an evaluation, repetition by repetition."""
        engine = self._engine("real")
        with engine.running():
            return _repeated(engine.evaluate)

    def flushes_subnormals(self) -> bool:
        """Return whether the engine flushes subnormals to zero."""
        return self._engine("real").flushes_subnormals()

    def memory_bytes(self) -> float:
        """Return the memory that this process does not share."""
        return float(psutil.Process().memory_full_info().uss)

    def to_accuracy(self) -> dict[str, float]:
        """Return the steps to 97 % accuracy and their seconds; checked, not timed, every 500."""
        n_batches = len(self._problem.training.labels) // RECIPE_BATCH_SIZE
        engine = started(self._name, self._problem._replace(**RECIPE))
        engine.prepare(RECIPE_BATCH_SIZE, n_batches)
        seconds, step = 0.0, 0
        with engine.running():
            engine.evaluate()
            while engine.evaluate()[1] < ACCURACY:
                started_at = time.perf_counter()
                for _ in range(500):
                    engine.step(step % n_batches)
                    step += 1
                seconds += time.perf_counter() - started_at
        return {"to_accuracy": seconds, "steps_to_accuracy": step}

    def sgemm_gflops(self) -> float:
        """Return the speed of NumPy's BLAS at a product of 1024 by 1024 numbers."""
        factor = np.full((1024, 1024), 0.5, dtype=np.float32)
        product = np.empty_like(factor)
        with threadpool_limits(limits=self._problem.threads, user_api="blas"):
            samples = _repeated(lambda: np.matmul(factor, factor, out=product))
        return 2 * 1024**3 / min(sample["value"] for sample in samples) / 1e9

    def pin(self, processor: str) -> None:
        """Use one processor from now on."""
        psutil.Process().cpu_affinity([int(processor) % psutil.cpu_count()])

    def steps_per_second(self) -> float:
        """Return the steps per second at batch size 32, over three seconds."""
        engine, n_batches = self._ready("real", 32)
        with engine.running():
            steps, began = 0, time.perf_counter()
            while time.perf_counter() - began < 3:
                engine.step(steps % n_batches)
                steps += 1
            return steps / (time.perf_counter() - began)

    def _problem_of(self, kind: str) -> Problem:
        """Return the real problem, the dense one, or one of them late in training."""
        problem = problems.dense(self._problem.threads) if "dense" in kind else self._problem
        if kind.startswith("late"):
            return problems.trained(problem, self._late / f"{kind}.npz")
        return problem

    def _engine(self, kind: str) -> Engine:
        if kind not in self._engines:
            self._engines[kind] = started(self._name, self._problem_of(kind))
        return self._engines[kind]

    def _ready(self, kind: str, batch_size: int) -> tuple[Engine, int]:
        engine = self._engine(kind)
        n_examples = len(self._problem_of(kind).training.labels)
        n_batches = max(1, min(100, n_examples // batch_size))
        if self._prepared.get(kind) != batch_size:
            engine.prepare(batch_size, n_batches)
            self._prepared[kind] = batch_size
        return engine, n_batches


def _repeated(work: Callable[[], Any]) -> list[Sample]:
    """Return the samples of some repetitions, without the first, which warms up."""
    processors = psutil.Process().cpu_affinity()
    work()
    samples: list[Sample] = []
    began = time.perf_counter()
    while not samples or time.perf_counter() - began < SECONDS:
        before = read_counters(processors)
        started_at = time.perf_counter()
        work()
        seconds = time.perf_counter() - started_at
        counted = read_counters(processors).since(before)
        samples.append(
            {
                "value": seconds,
                "cpu_seconds": counted.cpu_seconds,
                "stolen_seconds": counted.stolen_seconds,
                "switches": counted.switches,
            }
        )
    return samples


def main() -> None:
    """Measure as the lines of the standard input say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine")
    parser.add_argument("--parsed", type=Path, required=True)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--late", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    problem = problems.real(arguments.parsed, arguments.prepared, arguments.threads)
    measurements = Measurements(arguments.engine, problem, arguments.late)
    with np.errstate(over="ignore"):
        for line in sys.stdin:
            name, *rest = line.split(maxsplit=1)
            found = getattr(measurements, name)(*map(str.strip, rest))
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
