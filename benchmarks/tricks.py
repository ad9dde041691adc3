"""Time steps with each of the engine's tricks and without, and what momentum adds to a step.

    python -m benchmarks.tricks --parsed FOLDER --prepared FOLDER

The folders are those of the workflow's rules parse and prepare. Prints the table of
docs/benchmarks.md: medians, with the extremes, over turns in which both sides took steps; takes
about four minutes.
"""

import argparse
import contextlib
import functools
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

import nn.engine
from batch_race.run import cores
from benchmarks import late
from benchmarks.engines import ours
from benchmarks.engines import problem as problems
from benchmarks.engines.problem import Problem
from nn import ordering
from nn.engine import Engine, ReadyExamples, engine, passes, products, ready, sparse, subnormals
from nn.engine.elementwise import Numexpr
from nn.engine.passes import Pass
from nn.engine.products import Calls, Product
from nn.examples import Examples
from nn.network import Weights

TURNS = 15
SECONDS = 0.1
"""The steps of each side in a turn take so long."""

NEVER = 10**12
"""More examples than a batch has."""


class Trick(NamedTuple):
    """A trick, and how to measure it.

    Attributes
    ----------
    name : str
    batch_sizes : tuple of int
    without : dict
        What to replace to do without it: by owner and name, the replacement.
    threads : int
    is_late : bool
        Whether the steps start from weights late in training (`benchmarks.late`).
    """

    name: str
    batch_sizes: tuple[int, ...]
    without: dict[tuple[Any, str], Any]
    threads: int = 1
    is_late: bool = False


class _OneAsMany:
    """One example by a pass over a chunk of one."""

    def __init__(self, weights: Weights, into: Weights, n_dense: int, elementwise: Any) -> None:
        self._pass = Pass(weights, into, 1, n_dense, elementwise)

    def add_gradient(self, examples: ReadyExamples, index: int, rate: float) -> None:
        self._pass.add_gradient(examples, slice(index, index + 1), np.float32(rate))


def _as_they_are(examples: Examples) -> ReadyExamples:
    return ready(examples._replace(arranged=None))


def _dense_from(share: float) -> dict[tuple[Any, str], Any]:
    """Return what to replace for columns to be dense from another share of nonzeros."""

    def arranged(problem: Problem, part: str) -> Examples:
        images = problem.training if part == "train" else problem.test
        with mock.patch.object(ordering, "DENSE", share):
            columns = ordering.order_columns(problem.training.pixels)
        parts = ordering.arrange(images.pixels, columns)
        return Examples(*images, (problem.factor, 0.0), parts)

    return {(ours, "_examples"): arranged}


def _in_shards(self: Engine, examples: ReadyExamples, rows: slice, learning_rate: float) -> None:
    rate = np.float32(-learning_rate / (rows.stop - rows.start))
    self._add_in_shards(examples, rows, rate)


def _with_numpy(a: Any, b: Any, out: Any, *, is_added: bool = False) -> Calls:
    if not is_added:
        return [lambda: np.matmul(a, b, out=out)]
    buffer = np.empty_like(out)
    return [lambda: np.add(out, np.matmul(a, b, out=buffer), out=out)]


def _with_scipy(a: Any, b: Any, out: Any, *, is_added: bool = False) -> Calls:
    return [Product(a, b, out, is_added=is_added)]


TRICKS = [
    Trick("zeros skipped", (1, 32, 128, 60_000), {(ours, "ready"): _as_they_are}),
    Trick("columns dense from 0.1, not 0.05", (1, 32, 128, 60_000), _dense_from(0.05)),
    Trick("columns dense from 0.1, not 0.2", (1, 32, 128, 60_000), _dense_from(0.2)),
    Trick("straight to SciPy's loops", (1, 32, 128), {(sparse, "LOOPS"): None}),
    Trick("vectors for one example", (1,), {(engine, "PassOfOne"): _OneAsMany}),
    Trick("gradient added straight to the weights", (32, 128), {(Engine, "descend"): _in_shards}),
    Trick("straight to BLAS", (2, 32, 128), {(passes, "in_parts"): _with_numpy}),
    Trick("forward product with NumPy's BLAS", (32, 128), {(passes, "in_parts"): _with_scipy}),
    Trick("batches split", (512, 5_000, 60_000), {(engine, "MIN_SHARD"): NEVER}, threads=2),
    Trick("second layer by classes", (1, 32, 128, 60_000), {(engine, "W2_ORDER"): "C"}),
    Trick(
        "elementwise by NumPy, not numexpr",
        (1, 32, 128, 60_000),
        {(engine, "ELEMENTWISE"): {"numpy": Numexpr}},
    ),
    Trick("subnormals flushed, late", (1, 32), {(subnormals, "_REGISTER"): None}, is_late=True),
    Trick(
        "momentum 0, not 0.9",
        (1, 32, 128, 60_000),
        {(nn.engine, "Engine"): functools.partial(Engine, momentum=0.9)},
    ),
]
if products.HAS_SMALL_PRODUCTS:
    in_parts = {(products, "HAS_SMALL_PRODUCTS"): False}
    TRICKS.append(Trick("products in small parts", (16, 32, 128, 60_000), in_parts))


@contextlib.contextmanager
def switched_off(trick: Trick) -> Iterator[None]:
    """Do without a trick within the block."""
    with contextlib.ExitStack() as stack:
        for (owner, name), other in trick.without.items():
            stack.enter_context(mock.patch.object(owner, name, other))
        yield


def seconds(one: ours.Engine, n_batches: int) -> float:
    """Return the mean seconds of a step, over consecutive batches."""
    steps, began = 0, time.perf_counter()
    while steps == 0 or time.perf_counter() - began < SECONDS:
        one.step(steps % n_batches)
        steps += 1
    return (time.perf_counter() - began) / steps


def compare(trick: Trick, batch_size: int, problem: Problem) -> tuple[list[float], ...]:
    """Return the seconds of a step with a trick, and without, turn by turn."""
    with switched_off(trick):
        bare = ours.Engine(problem)
    engines = ours.Engine(problem), bare
    n_batches = max(1, min(200, len(problem.training.labels) // batch_size))
    found: tuple[list[float], list[float]] = [], []
    for turn in range(-1, TURNS):  # the first pays for start-up
        for one, values, how in zip(
            engines, found, (contextlib.nullcontext(), switched_off(trick)), strict=True
        ):
            with how, one.running():
                one.prepare(batch_size, n_batches)
                value = seconds(one, n_batches)
            if turn >= 0:
                values.append(value)
    return found


def main() -> None:
    """Measure and print the table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parsed", type=Path, required=True)
    parser.add_argument("--prepared", type=Path, required=True)
    arguments = parser.parse_args()
    print("| trick | batch size | with, µs | without, µs | without / with |")
    print("|---|---|---|---|---|")
    folders = arguments.parsed, arguments.prepared
    with tempfile.TemporaryDirectory() as name:
        late.write(Path(name), folders)
        trained = Weights(**np.load(Path(name, "late.npz")))
    for trick in TRICKS:
        problem = problems.real(*folders, trick.threads)
        if trick.is_late:
            problem = problem._replace(weights=trained)
        label = trick.name + (f", {trick.threads} threads" if trick.threads > 1 else "")
        with cores.lease(trick.threads):
            for batch_size in trick.batch_sizes:
                both = compare(trick, batch_size, problem)
                ratios = [bare / full for full, bare in zip(*both, strict=True)]
                medians = " | ".join(f"{1e6 * statistics.median(each):,.0f}" for each in both)
                spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
                print(f"| {label} | {batch_size:,} | {medians} | {spread} |", flush=True)


if __name__ == "__main__":
    main()
