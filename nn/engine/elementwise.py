"""The elementwise functions of a step, by NumPy or by numexpr.

NumPy makes several passes with vector instructions, numexpr one pass without (unless it was built
with MKL's vector library). `benchmarks.elementwise` measures both. The loss of an evaluation is
always computed by NumPy.
"""

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from nn import network
from nn.examples import PixelScaling
from nn.network import Floats

ONE = np.float32(1)


class Numpy:
    """The elementwise functions by NumPy, in float32 and in place."""

    def scale(
        self, pixels: npt.NDArray[np.uint8], pixel_scaling: PixelScaling, out: Floats
    ) -> None:
        """Write inputs, pixels * factor + offset, into `out`."""
        factor, offset = pixel_scaling
        np.copyto(out, pixels)
        if factor != 1:
            out *= np.float32(factor)
        if offset != 0:
            out += np.float32(offset)

    def sigmoid(self, z: Floats) -> None:
        """Replace z by 1 / (1 + exp(-z))."""
        network.sigmoid(z)

    def times_slope(self, delta: Floats, hidden: Floats) -> None:
        """Multiply `delta` by the sigmoid's slope, hidden * (1 - hidden); overwrites `hidden`."""
        np.multiply(delta, hidden, out=delta)
        np.subtract(ONE, hidden, out=hidden)
        np.multiply(delta, hidden, out=delta)

    def exponentials(self, logits: Floats, largest: Floats | np.float32) -> None:
        """Replace logits by softmax's numerators, exp(logits - largest).

        The largest exponent of an example is 0, so its numerators do not sum to 0.
        """
        logits -= largest
        np.exp(logits, out=logits)

    @staticmethod
    def one_thread() -> contextlib.AbstractContextManager[None]:
        """Use the calling thread alone within the block."""
        return contextlib.nullcontext()


class Numexpr(Numpy):
    """The elementwise functions by numexpr.

    Each thread has its own: a compiled expression keeps state while it is evaluated.
    """

    def __init__(self) -> None:
        import numexpr  # slow to import, so only where it is chosen

        def compiled(expression: str, **types: type) -> Any:
            evaluate = numexpr.NumExpr(expression, list(types.items()))
            return partial(evaluate, ex_uses_vml=numexpr.use_vml)

        # In numexpr's signatures `float` has 32 bits; it has no 8-bit type.
        self._scale = compiled("x * factor + offset", x=np.int32, factor=float, offset=float)
        self._sigmoid = compiled("one / (one + exp(-z))", one=float, z=float)
        self._slope = compiled("delta * h * (one - h)", delta=float, h=float, one=float)
        self._exponentials = compiled("exp(logits - largest)", logits=float, largest=float)

    def scale(
        self, pixels: npt.NDArray[np.uint8], pixel_scaling: PixelScaling, out: Floats
    ) -> None:
        """See `Numpy.scale`."""
        self._scale(pixels, *map(np.float32, pixel_scaling), out=out, casting="same_kind")

    def sigmoid(self, z: Floats) -> None:
        """See `Numpy.sigmoid`."""
        self._sigmoid(ONE, z, out=z)

    def times_slope(self, delta: Floats, hidden: Floats) -> None:
        """See `Numpy.times_slope`."""
        self._slope(delta, hidden, ONE, out=delta)

    def exponentials(self, logits: Floats, largest: Floats | np.float32) -> None:
        """See `Numpy.exponentials`."""
        self._exponentials(logits, largest, out=logits)

    @staticmethod
    @contextlib.contextmanager
    def one_thread() -> Iterator[None]:
        """See `Numpy.one_thread`."""
        import numexpr

        before = numexpr.set_num_threads(1)
        try:
            yield
        finally:
            numexpr.set_num_threads(before)


ELEMENTWISE = {"numpy": Numpy, "numexpr": Numexpr}
