"""Measure one engine in a process of its own; `benchmarks.race_engines` starts these processes.

    python -m benchmarks.measure_engine ours --parsed FOLDER --prepared FOLDER --threads 1

with the folders that the workflow's rules parse and prepare fill. Prints one line of JSON: seconds
for each kind of work, and the largest difference of a weight after 10 steps from what the plain
formulas say in float64. With `--beside N` it is the N-th of several that run at once: it says that
it is ready, waits for a line, and prints how many steps it then took in a second.
"""

import argparse
import importlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.engines import problem as problems
from benchmarks.engines.problem import Engine, Problem
from nn.network import Weights, backward, forward
from workflow.scripts.common import cores

BATCH_SIZES = (1, 32, 128, 60_000)
RECIPE = {"learning_rate": 0.5, "factor": 1 / 255}
RECIPE_BATCH_SIZE = 32
ACCURACY = 97.0
SECONDS = 0.5
"""How long each kind of work is measured, at least."""


def started(name: str, problem: Problem) -> Engine:
    """Start an engine by the name of its module."""
    engine: Engine = importlib.import_module(f"benchmarks.engines.{name}").Engine(problem)
    return engine


def step_seconds(engine: Engine, batch_size: int, n_examples: int) -> float:
    """Tell the mean seconds of a step, over consecutive batches."""
    n_batches = max(1, min(200, n_examples // batch_size))
    engine.prepare(batch_size, n_batches)
    places = list(range(n_batches))

    def epoch() -> None:
        for place in places:
            engine.step(place)

    return repeated(epoch) / n_batches


def repeated(work: Callable[[], Any]) -> float:
    """Tell the least seconds of some repetitions; the first, which pays for start-up, not counted.

    Noise only ever adds. The spread that is reported is that between processes.
    """
    work()
    seconds = []
    began = time.perf_counter()
    while time.perf_counter() - began < SECONDS or len(seconds) < 3:
        started_at = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started_at)
    return min(seconds)


def difference_after_ten_steps(name: str, problem: Problem) -> float:
    """Tell how far an engine's weights are from the formulas' in float64, at batch size 32."""
    engine = started(name, problem)
    engine.prepare(32, 10)
    exact = Weights(*(array.astype(np.float64) for array in problem.weights))
    for place in range(10):
        engine.step(place)
        rows = slice(32 * place, 32 * place + 32)
        x, labels = problem.training.pixels[rows].astype(float), problem.training.labels[rows]
        hidden, logits = forward(x, exact)
        gradient = backward(x, labels, hidden, logits, exact)
        for array, slope in zip(exact, gradient, strict=True):
            array -= problem.learning_rate / 32 * slope
    pairs = zip(engine.weights(), exact, strict=True)
    return max(float(np.abs(found - right).max()) for found, right in pairs)


def seconds_to_accuracy(name: str, problem: Problem) -> float:
    """Tell the seconds of the steps to 97 % accuracy; evaluated, off the clock, every 500 steps."""
    n_batches = len(problem.training.labels) // RECIPE_BATCH_SIZE
    engine = started(name, problem._replace(**RECIPE))
    engine.prepare(RECIPE_BATCH_SIZE, n_batches)
    engine.evaluate()
    seconds, step = 0.0, 0
    while engine.evaluate()[1] < ACCURACY:
        started_at = time.perf_counter()
        for _ in range(500):
            engine.step(step % n_batches)
            step += 1
        seconds += time.perf_counter() - started_at
    return seconds


def steps_beside_others(engine: Engine) -> float:
    """Tell the steps in a second at batch size 32, over three seconds that begin with a line."""
    n_batches = 200
    engine.prepare(32, n_batches)
    for place in range(n_batches):
        engine.step(place)
    print("ready", flush=True)
    input()
    steps, began = 0, time.perf_counter()
    while time.perf_counter() - began < 3:
        engine.step(steps % n_batches)
        steps += 1
    return steps / (time.perf_counter() - began)


def sgemm_gflops() -> float:
    """Tell the machine's speed at a matrix product of 1024 by 1024, with NumPy's BLAS."""
    factor = np.full((1024, 1024), 0.5, dtype=np.float32)
    product = np.empty_like(factor)
    return 2 * 1024**3 / repeated(lambda: np.matmul(factor, factor, out=product)) / 1e9


def main() -> None:
    """Measure, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine")
    parser.add_argument("--parsed", type=Path, required=True)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--beside", type=int)
    arguments = parser.parse_args()
    name, threads = arguments.engine, arguments.threads
    problem = problems.real(arguments.parsed, arguments.prepared, threads)
    if arguments.beside is not None:
        psutil.Process().cpu_affinity([arguments.beside % psutil.cpu_count()])
        with np.errstate(over="ignore"):
            found = {"steps_per_second": steps_beside_others(started(name, problem))}
        print(json.dumps(found))
        return
    with cores.lease(threads):
        with np.errstate(over="ignore"):
            found = {"difference": difference_after_ten_steps(name, problem)}
            engine = started(name, problem)
            found["evaluation"] = repeated(engine.evaluate)
            for batch_size in BATCH_SIZES:
                seconds = step_seconds(engine, batch_size, len(problem.training.labels))
                found[f"batch_{batch_size}"] = seconds
        found["memory_bytes"] = psutil.Process().memory_full_info().uss
        dense = started(name, problems.dense(threads))
        with np.errstate(over="ignore"):
            found["dense_batch_32"] = step_seconds(dense, 32, 3200)
            found["to_accuracy"] = seconds_to_accuracy(name, problem)
        found["sgemm_gflops"] = sgemm_gflops()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
