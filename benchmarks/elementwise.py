"""Time the engine's elementwise work in NumPy and in numexpr, by size and threads.

    python -m benchmarks.elementwise

with numexpr installed. Prints the table of docs/benchmarks.md.
"""

import statistics
import time
from collections.abc import Callable

import numexpr
import numpy as np

from nn.network import sigmoid

SIZES = (200, 6_400, 25_600, 100_000, 1_000_000, 12_000_000)
THREADS = (1, 2)


def in_numpy(hidden: np.ndarray, delta: np.ndarray, slope: np.ndarray) -> None:
    """Multiply by the sigmoid's slope as the engine does."""
    np.subtract(1, hidden, out=slope)
    slope *= hidden
    delta *= slope


def nanoseconds(work: Callable[[], object], size: int) -> float:
    """Tell the nanoseconds of an element, the median of some repetitions."""
    n_calls = max(1, 200_000 // size)
    seconds = []
    for _ in range(15):
        started = time.perf_counter()
        for _ in range(n_calls):
            work()
        seconds.append((time.perf_counter() - started) / n_calls)
    return 1e9 * statistics.median(seconds[1:]) / size


def main() -> None:
    """Measure and print the table, row by row."""
    print(f"numexpr {numexpr.__version__}, VML: {'yes' if numexpr.use_vml else 'no'}\n")
    kinds = ["sigmoid", "times slope"]
    engines = ["NumPy", *(f"numexpr, {count} thread(s)" for count in THREADS)]
    head = [f"{kind}, {engine}" for kind in kinds for engine in engines]
    print(f"| elements | {' | '.join(head)} |\n|{'---|' * (1 + len(head))}")
    for size in SIZES:
        z, hidden, delta, slope = np.full((4, size), 0.5, dtype=np.float32)
        one = np.float32(1)
        names = {"z": z, "one": one, "h": hidden, "d": delta}
        cells = []
        for expression, out, plain in (
            ("one / (one + exp(-z))", z, lambda z=z: sigmoid(z)),
            ("d * h * (one - h)", delta, lambda h=hidden, d=delta, s=slope: in_numpy(h, d, s)),
        ):
            cells.append(nanoseconds(plain, size))
            for count in THREADS:
                numexpr.set_num_threads(count)
                numexpr.evaluate(expression, names, out=out)
                again = lambda out=out, names=names: numexpr.re_evaluate(names)  # noqa: E731
                cells.append(nanoseconds(again, size))
        print(f"| {size:,} | {' | '.join(f'{cell:.2f}' for cell in cells)} |", flush=True)


if __name__ == "__main__":
    main()
