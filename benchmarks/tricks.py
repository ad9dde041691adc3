"""Switch off each of the engine's tricks alone, and time steps with it and without.

    python -m benchmarks.tricks --parsed FOLDER --prepared FOLDER

with the folders that the workflow's rules parse and prepare fill. Prints the table of
docs/benchmarks.md: medians, with the extremes, of turns in which both took some steps; takes about
three minutes.
"""

import argparse
import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from nn.products import Product
from nn.worker import Worker
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from benchmarks.engines import ours
from benchmarks.engines import problem as problems
from benchmarks.engines.problem import Problem
from nn import engine, ordering, products, worker
from nn.examples import Examples, ReadyExamples, ready
from nn.rows import Rows
from workflow.scripts.common import cores

TURNS = 15
SECONDS = 0.1
"""How long each side steps in a turn."""

NEVER = 10**12
"""More than there ever are."""


class Trick(NamedTuple):
    """What is done, at which batch sizes and with how many threads it is looked at, and how not."""

    name: str
    batch_sizes: tuple[int, ...]
    without: dict[tuple[Any, str], Any]
    threads: int = 1


def _step_of_one_as_of_many(self: Worker, examples: Any, index: int, learning_rate: float) -> None:
    self.descend(examples, slice(index, index + 1), np.float32(-learning_rate))


def _as_they_are(examples: Examples) -> ReadyExamples:
    return ready(examples._replace(arranged=None))


def _opened(share: float) -> dict[tuple[Any, str], Any]:
    """Open the examples with other columns dense."""

    def arranged(problem: Problem, part: str) -> Examples:
        images = problem.training if part == "train" else problem.test
        with mock.patch.object(ordering, "DENSE", share):
            columns = ordering.order_columns(problem.training.pixels)
        parts = ordering.arrange(images.pixels, columns)
        return Examples(*images, (problem.factor, 0.0), parts)

    return {(ours, "_examples"): arranged}


class _Public(NamedTuple):
    """Sparse rows by SciPy's public functions."""

    matrix: csr_array

    def take(self, rows: Rows) -> "_Public":
        return _Public(self.matrix[rows])

    def add_product(self, b: Any, out: Any) -> None:
        out += self.matrix @ b

    def add_transposed_product(self, b: Any, out: Any) -> None:
        out += self.matrix.T @ b


def _with_public_products(examples: Examples) -> ReadyExamples:
    return ready(examples)._replace(sparse=_Public(examples.arranged.sparse.astype(np.float32)))


def _gradient_first(self: Worker, examples: Any, piece: Rows, rate: np.float32) -> None:
    self.accumulate(examples, piece, rate)
    for array, change in zip(self._weights, self.change, strict=True):
        array += change


def _with_numpy(
    a: Any, b: Any, out: Any, *, is_added: bool = False, threads: int = 1
) -> list[Callable[[], object]]:
    if not is_added:
        return [lambda: np.matmul(a, b, out=out)]
    room = np.empty_like(out)
    return [lambda: np.add(out, np.matmul(a, b, out=room), out=out)]


def _with_scipy(
    a: Any, b: Any, out: Any, *, is_added: bool = False, threads: int = 1
) -> list[Callable[[], object]]:
    return [Product(a, b, out, is_added=is_added)]


_make_room = Worker._make_room


def _by_class(self: Worker, n_rows: int) -> Any:
    room = _make_room(self, n_rows)
    logits = room.logits.T
    product = Product(self._weights.w2[1:].T, room.hidden.T, out=logits, is_added=True)
    return room._replace(by_example=logits.T, add_logits=product)


def _by_example(self: Worker, n_rows: int) -> Any:
    room = _make_room(self, n_rows)
    product = Product(room.by_example, self._weights.w2[1:].T, out=room.hidden_delta)
    return room._replace(logits=room.by_example, set_hidden_delta=product)


TRICKS = [
    Trick("zeros skipped", (1, 32, 128, 60_000), {(ours, "ready"): _as_they_are}),
    Trick("columns dense from 0.1, not 0.05", (1, 32, 128, 60_000), _opened(0.05)),
    Trick("columns dense from 0.1, not 0.2", (1, 32, 128, 60_000), _opened(0.2)),
    Trick("straight to SciPy's loops", (1, 32, 128), {(ours, "ready"): _with_public_products}),
    Trick("vectors for one example", (1,), {(Worker, "descend_on_one"): _step_of_one_as_of_many}),
    Trick(
        "gradient added to the weights at once", (32, 128), {(Worker, "descend"): _gradient_first}
    ),
    Trick("straight to BLAS", (2, 32, 128), {(worker, "in_parts"): _with_numpy}),
    Trick("forward product with NumPy's BLAS", (32, 128), {(worker, "in_parts"): _with_scipy}),
    Trick("logits multiplied by example", (128, 60_000), {(Worker, "_make_room"): _by_class}),
    Trick("softmax by class", (128, 60_000), {(Worker, "_make_room"): _by_example}),
    Trick("products shared by BLAS", (32, 128, 512), {(engine, "MIN_PRODUCT"): NEVER}, threads=2),
    Trick(
        "batches shared",
        (5_000, 60_000),
        {(engine, "MIN_SHARE"): NEVER, (engine, "MIN_PRODUCT"): NEVER},
        threads=2,
    ),
]
if products.HAS_SMALL_PRODUCTS:
    TRICKS.append(
        Trick(
            "products in small parts",
            (32, 128, 60_000),
            {(products, "HAS_SMALL_PRODUCTS"): False},
        )
    )


@contextlib.contextmanager
def switched_off(trick: Trick) -> Iterator[None]:
    """Do without a trick."""
    with contextlib.ExitStack() as stack:
        for (owner, name), other in trick.without.items():
            stack.enter_context(mock.patch.object(owner, name, other))
        yield


def seconds(one: ours.Engine, n_batches: int) -> float:
    """Tell the mean seconds of a step, over consecutive batches."""
    steps, began = 0, time.perf_counter()
    while steps == 0 or time.perf_counter() - began < SECONDS:
        one.step(steps % n_batches)
        steps += 1
    return (time.perf_counter() - began) / steps


def compare(trick: Trick, batch_size: int, problem: Problem) -> tuple[list[float], ...]:
    """Tell the seconds of a step with a trick, and without, turn by turn."""
    with switched_off(trick):
        bare = ours.Engine(problem)
    engines = ours.Engine(problem), bare
    n_batches = max(1, min(200, len(problem.training.labels) // batch_size))
    found: tuple[list[float], list[float]] = [], []
    for turn in range(-1, TURNS):  # the first pays for start-up
        for one, values, how in zip(
            engines, found, (contextlib.nullcontext(), switched_off(trick)), strict=True
        ):
            with how:
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
    with np.errstate(over="ignore"), threadpool_limits(limits=1, user_api="blas"):
        for trick in TRICKS:
            problem = problems.real(arguments.parsed, arguments.prepared, trick.threads)
            words = trick.name + (f", {trick.threads} threads" if trick.threads > 1 else "")
            with cores.lease(trick.threads):
                for batch_size in trick.batch_sizes:
                    both = compare(trick, batch_size, problem)
                    ratios = [bare / full for full, bare in zip(*both, strict=True)]
                    medians = " | ".join(f"{1e6 * statistics.median(each):,.0f}" for each in both)
                    spread = (
                        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
                    )
                    print(f"| {words} | {batch_size:,} | {medians} | {spread} |", flush=True)


if __name__ == "__main__":
    main()
