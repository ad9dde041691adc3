"""Time the engine's elementwise functions in NumPy and in numexpr, by size and threads.

    python -m benchmarks.elementwise

Prints the table of docs/benchmarks.md; takes about a minute.
"""

import statistics
import time
from collections.abc import Callable

import numexpr
import numpy as np

from nn.engine.elementwise import ELEMENTWISE, Numpy

SIZES = (200, 6_400, 25_600, 100_000, 1_000_000, 12_000_000)
THREADS = (1, 2)
N_CLASSES = 10

Work = Callable[[], object]


def kernels(functions: Numpy, size: int) -> dict[str, Work]:
    """Return each elementwise function, ready to be called on so many elements."""
    z, hidden, delta, inputs = np.full((4, size), 0.5, dtype=np.float32)
    pixels = np.full(size, 7, dtype=np.uint8)
    # Repeated in place: exp(x - 1) stays between 0 and 1.
    largest = np.ones((size // N_CLASSES, 1), dtype=np.float32)
    logits = np.full((N_CLASSES, size // N_CLASSES), 0.5, dtype=np.float32).T  # by class
    return {
        "sigmoid": lambda: functions.sigmoid(z),
        "times slope": lambda: functions.times_slope(delta, hidden),
        "pixels scaled": lambda: functions.scale(pixels, (1 / 255, 0.0), out=inputs),
        "exponentials": lambda: functions.exponentials(logits, largest),
    }


def nanoseconds(work: Work, size: int) -> float:
    """Return the nanoseconds for an element, the median of some repetitions."""
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
    engines = ["NumPy", *(f"numexpr, {count} thread(s)" for count in THREADS)]
    print(f"| kernel | elements | {' | '.join(engines)} |\n|{'---|' * (2 + len(engines))}")
    of_numpy, of_numexpr = (ELEMENTWISE[name]() for name in ("numpy", "numexpr"))
    for size in SIZES:
        for name, in_numpy in kernels(of_numpy, size).items():
            cells = [nanoseconds(in_numpy, size)]
            for count in THREADS:
                numexpr.set_num_threads(count)
                cells.append(nanoseconds(kernels(of_numexpr, size)[name], size))
            print(
                f"| {name} | {size:,} | {' | '.join(f'{cell:.2f}' for cell in cells)} |", flush=True
            )


if __name__ == "__main__":
    main()
