"""Measure one engine in a process of its own; `benchmarks.race_engines` starts these processes.

    python -m benchmarks.measure_engine ours --parsed FOLDER --prepared FOLDER --threads 1

with the folders that the workflow's rules parse and prepare fill. Prints one line of JSON: each
repetition of each kind of work, and some figures. With `--exact FILE` it first takes ten steps at
each batch size and evaluates, and says how far it is from what `benchmarks.exact` wrote there. With
`--beside N` it is the N-th of several that run at once: it says that it is ready, waits for a line,
and prints how many steps it then took in a second.
"""

import argparse
import importlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from threadpoolctl import threadpool_limits

from benchmarks import exact
from benchmarks.engines import problem as problems
from benchmarks.engines.problem import Engine, Problem
from workflow.scripts.common import cores
from workflow.scripts.common.contention import read_counters

RECIPE = {"learning_rate": 0.5, "factor": 1 / 255}
RECIPE_BATCH_SIZE = 32
ACCURACY = 97.0
SECONDS = 0.5
"""How long each kind of work is measured, at least."""

Sample = dict[str, float]
"""The seconds of one repetition as `value`, and what the system counted meanwhile."""


def started(name: str, problem: Problem) -> Engine:
    """Start an engine by the name of its module."""
    engine: Engine = importlib.import_module(f"benchmarks.engines.{name}").Engine(problem)
    return engine


def steps(
    engine: Engine, batch_size: int, n_examples: int, processors: Sequence[int]
) -> list[Sample]:
    """Measure steps over consecutive batches; tell the mean of each repetition."""
    n_batches = max(1, min(200, n_examples // batch_size))
    engine.prepare(batch_size, n_batches)
    places = list(range(n_batches))

    def epoch() -> None:
        for place in places:
            engine.step(place)

    found = repeated(epoch, processors)
    return [{key: value / n_batches for key, value in sample.items()} for sample in found]


def repeated(work: Callable[[], Any], processors: Sequence[int]) -> list[Sample]:
    """Measure some repetitions; the first, which pays for start-up, is not among them."""
    work()
    samples: list[Sample] = []
    began = time.perf_counter()
    while time.perf_counter() - began < SECONDS or len(samples) < 3:
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


def differences(name: str, problem: Problem, right: exact.Exact) -> dict[str, float]:
    """Tell how far an engine's weights, loss and accuracy are from the formulas' in float64."""
    found = {}
    for batch_size, weights in right.weights.items():
        engine = started(name, problem)
        n_batches = min(exact.STEPS, len(problem.training.labels) // batch_size)
        engine.prepare(batch_size, n_batches)
        for step in range(exact.STEPS):
            engine.step(step % n_batches)
        pairs = zip(engine.weights(), weights, strict=True)
        found[f"difference_batch_{batch_size}"] = max(
            float(np.abs(array - expected).max()) for array, expected in pairs
        )
        if batch_size == exact.EVALUATED:
            loss, accuracy = engine.evaluate()
            found["difference_loss"] = abs(loss - right.loss) / right.loss
            found["difference_accuracy"] = abs(accuracy - right.accuracy)
    return found


def to_accuracy(name: str, problem: Problem) -> dict[str, float]:
    """Tell the steps to 97 % accuracy and their seconds; looked at, off the clock, every 500."""
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
    return {"to_accuracy": seconds, "steps_to_accuracy": step}


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


def sgemm_gflops(threads: int, processors: Sequence[int]) -> float:
    """Tell the machine's speed at a matrix product of 1024 by 1024, with NumPy's BLAS."""
    factor = np.full((1024, 1024), 0.5, dtype=np.float32)
    product = np.empty_like(factor)
    with threadpool_limits(limits=threads, user_api="blas"):
        samples = repeated(lambda: np.matmul(factor, factor, out=product), processors)
    return 2 * 1024**3 / min(sample["value"] for sample in samples) / 1e9


def measure(name: str, problem: Problem, right: exact.Exact | None) -> dict[str, Any]:
    """Measure an engine alone, on cores of its own."""
    threads = problem.threads
    with cores.lease(threads) as processors, np.errstate(over="ignore"):
        figures = differences(name, problem, right) if right else {}
        engine = started(name, problem)
        samples = {"evaluation": repeated(engine.evaluate, processors)}
        n_examples = len(problem.training.labels)
        for batch_size in exact.BATCH_SIZES:
            samples[f"batch_{batch_size}"] = steps(engine, batch_size, n_examples, processors)
        figures["memory_bytes"] = psutil.Process().memory_full_info().uss
        del engine
        dense = started(name, problems.dense(threads))
        samples["dense_batch_32"] = steps(dense, 32, 3200, processors)
        if threads == 1:
            figures |= to_accuracy(name, problem)
        figures["sgemm_gflops"] = sgemm_gflops(threads, processors)
    return {"samples": samples, "figures": figures}


def main() -> None:
    """Measure, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine")
    parser.add_argument("--parsed", type=Path, required=True)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--exact", type=Path)
    parser.add_argument("--beside", type=int)
    arguments = parser.parse_args()
    name, threads = arguments.engine, arguments.threads
    problem = problems.real(arguments.parsed, arguments.prepared, threads)
    if arguments.beside is not None:
        psutil.Process().cpu_affinity([arguments.beside % psutil.cpu_count()])
        with np.errstate(over="ignore"):
            found = {"steps_per_second": steps_beside_others(started(name, problem))}
    else:
        right = exact.read(arguments.exact) if arguments.exact else None
        found = measure(name, problem, right)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
