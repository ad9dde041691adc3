"""Time the engine's elementwise work in NumPy and in numexpr, by size and threads.

    python -m benchmarks.elementwise

with numexpr installed. Prints the table of docs/benchmarks.md; takes about a minute.
"""

import functools
import statistics
import time
from collections.abc import Callable

import numexpr
import numpy as np

from nn.examples import Examples, ready
from nn.network import N_CLASSES, sigmoid, softmax

SIZES = (200, 6_400, 25_600, 100_000, 1_000_000, 12_000_000)
THREADS = (1, 2)

ONE = np.float32(1)
FACTOR = 1 / 255

Work = Callable[[], object]


def compiled(expression: str, **types: type) -> Callable[..., object]:
    """Compile an expression once: a call costs least so. Numexpr's `float` is one of 32 bits."""
    call = numexpr.NumExpr(expression, list(types.items()))
    return functools.partial(call, ex_uses_vml=numexpr.use_vml)


SIGMOID = compiled("one / (one + exp(-z))", one=float, z=float)
TIMES_SLOPE = compiled("delta * hidden * (one - hidden)", delta=float, hidden=float, one=float)
SCALED = compiled("pixels * factor", pixels=np.int32, factor=float)  # it knows no bytes
EXPONENTIALS = compiled("exp(logits - largest)", logits=float, largest=float)
SHARES = compiled("logits / total", logits=float, total=float)


def kernels(size: int) -> dict[str, tuple[Work, Work]]:
    """Give each kernel on so many elements, in NumPy as the engine has it and in numexpr."""
    z, hidden, delta, slope, inputs = np.full((5, size), 0.5, dtype=np.float32)
    pixels = np.full(size, 7, dtype=np.uint8)
    examples = ready(Examples(pixels[None], np.zeros(1, np.int64), (FACTOR, 0.0)))
    logits = np.full((N_CLASSES, size // N_CLASSES), 0.5, dtype=np.float32).T  # by class
    factor = np.float32(FACTOR)

    def times_slope() -> None:
        np.subtract(ONE, hidden, out=slope)
        np.multiply(slope, hidden, out=slope)
        np.multiply(delta, slope, out=delta)

    def softmax_in_numexpr() -> None:
        EXPONENTIALS(logits, logits.max(axis=1, keepdims=True), out=logits)
        SHARES(logits, logits.sum(axis=1, keepdims=True), out=logits)

    return {
        "sigmoid": (lambda: sigmoid(z), lambda: SIGMOID(ONE, z, out=z)),
        "times slope": (times_slope, lambda: TIMES_SLOPE(delta, hidden, ONE, out=delta)),
        "pixels scaled": (
            lambda: examples.scale(pixels, out=inputs),
            lambda: SCALED(pixels, factor, out=inputs, casting="same_kind"),
        ),
        "softmax": (lambda: softmax(logits), softmax_in_numexpr),
    }


def nanoseconds(work: Work, size: int) -> float:
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
    engines = ["NumPy", *(f"numexpr, {count} thread(s)" for count in THREADS)]
    print(f"| kernel | elements | {' | '.join(engines)} |\n|{'---|' * (2 + len(engines))}")
    for size in SIZES:
        for name, (in_numpy, in_numexpr) in kernels(size).items():
            cells = [nanoseconds(in_numpy, size)]
            for count in THREADS:
                numexpr.set_num_threads(count)
                cells.append(nanoseconds(in_numexpr, size))
            print(
                f"| {name} | {size:,} | {' | '.join(f'{cell:.2f}' for cell in cells)} |", flush=True
            )


if __name__ == "__main__":
    main()
