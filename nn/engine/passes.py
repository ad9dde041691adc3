"""Forward and backward passes over a fixed number of examples, in arrays allocated once.

The formulas are those of `nn.network`, computed in place: a step allocates only indices, and the
sparse inputs of shuffled examples. `benchmarks.tricks` measures what that gains.
"""

from functools import partial

import numpy as np

from nn.engine.elementwise import Numpy
from nn.engine.inputs import ReadyExamples
from nn.engine.products import Calls, Product, compute, in_parts
from nn.engine.sparse import SparseRows
from nn.network import Floats, Weights
from nn.rows import Rows


class Pass:
    """The network on a fixed number of examples, and the gradient of their loss.

    Parameters
    ----------
    weights : Weights
        Those of the network, contiguous float32.
    into : Weights
        Where gradients are added: the weights themselves, the velocity, or the sum of a thread.
    n_rows : int
        The number of examples.
    n_dense : int
        The number of dense inputs, which come first.
    elementwise : Numpy
        The elementwise functions, for one thread alone.
    """

    def __init__(
        self, weights: Weights, into: Weights, n_rows: int, n_dense: int, elementwise: Numpy
    ) -> None:
        self._elementwise = elementwise
        (w1, w2), n_columns = weights, 1 + n_dense  # the biases' column of ones comes first
        self._sparse_w1, self._sparse_into = w1[n_columns:], into.w1[n_columns:]
        self._pixels = np.empty((n_rows, n_dense), dtype=np.uint8)
        self._row_numbers = np.arange(n_rows)
        x = np.ones((n_rows, n_columns), dtype=np.float32)
        hidden, delta = np.empty((2, n_rows, len(w2) - 1), dtype=np.float32)
        # Classes as rows: maxima and sums over a few columns would be slow.
        by_class = np.empty((w2.shape[1], n_rows), dtype=np.float32)
        self._inputs, self._hidden, self._delta, self._logits = x[:, 1:], hidden, delta, by_class.T
        self._to_hidden = in_parts(x, w1[:n_columns], out=hidden)
        self._to_logits: Calls = [
            partial(elementwise.sigmoid, hidden),
            partial(np.copyto, self._logits, w2[0]),
            Product(w2[1:].T, hidden.T, out=by_class, is_added=True),
        ]
        ones = np.ones((1, n_rows), dtype=np.float32)
        self._backward: Calls = [
            Product(self._logits, w2[1:].T, out=delta),
            Product(ones, self._logits, out=into.w2[:1], is_added=True),
            Product(hidden.T, self._logits, out=into.w2[1:], is_added=True),
            partial(elementwise.times_slope, delta, hidden),
            *in_parts(x.T, delta, out=into.w1[:n_columns], is_added=True),
        ]

    def add_gradient(self, examples: ReadyExamples, rows: Rows, rate: np.float32) -> None:
        """Add the gradient of the examples' summed loss, times `rate`, to `into`."""
        sparse = self._forward(examples, rows)
        logits = self._logits
        largest = np.maximum.reduce(logits, axis=1, keepdims=True)
        self._elementwise.exponentials(logits, largest)
        # The gradient is linear in these errors, where the rate costs least.
        logits *= rate / np.add.reduce(logits, axis=1, keepdims=True)
        logits[self._row_numbers, examples.labels[rows]] -= rate
        compute(self._backward)
        if sparse:
            sparse.add_transposed_product(self._delta, out=self._sparse_into)

    def logits(self, examples: ReadyExamples, rows: Rows) -> Floats:
        """Return the examples' logits, in an array that the next pass overwrites."""
        self._forward(examples, rows)
        return self._logits

    def _forward(self, examples: ReadyExamples, rows: Rows) -> SparseRows | None:
        """Compute the logits; return the sparse inputs if any column is sparse."""
        if isinstance(rows, slice):
            pixels = examples.dense[rows]
        else:
            # The trainer has checked the rows; mode="raise" would copy.
            pixels = np.take(examples.dense, rows, axis=0, out=self._pixels, mode="clip")
        self._elementwise.scale(pixels, examples.pixel_scaling, out=self._inputs)
        compute(self._to_hidden)
        sparse = examples.sparse.take(rows) if len(self._sparse_w1) else None
        if sparse:
            sparse.add_product(self._sparse_w1, out=self._hidden)
        compute(self._to_logits)
        return sparse


class PassOfOne:
    """A `Pass` over one example, in vectors: at this size calls cost more than arithmetic.

    Parameters
    ----------
    weights, into, n_dense, elementwise
        As for `Pass`.
    """

    def __init__(self, weights: Weights, into: Weights, n_dense: int, elementwise: Numpy) -> None:
        self._dense_w1, self._sparse_w1 = np.split(weights.w1, [1 + n_dense])
        dense_into, self._sparse_into = np.split(into.w1, [1 + n_dense])
        self._w2, self._elementwise = weights.w2, elementwise
        # Each layer follows a one, for the biases.
        self._x = np.ones(len(self._dense_w1), dtype=np.float32)
        self._hidden, self._delta = np.ones((2, len(weights.w2)), dtype=np.float32)
        self._logits = np.empty(weights.w2.shape[1], dtype=np.float32)
        self._add_to_w2, self._add_to_w1 = (
            Product(layer[:, None], delta[None], out=out, is_added=True)
            for layer, delta, out in (
                (self._hidden, self._logits, into.w2),
                (self._x, self._delta[1:], dense_into),
            )
        )

    def add_gradient(self, examples: ReadyExamples, index: int, rate: float) -> None:
        """Add the gradient of the example's loss, times `rate`, to `into`."""
        hidden, logits, delta = self._hidden[1:], self._logits, self._delta[1:]
        self._elementwise.scale(examples.dense[index], examples.pixel_scaling, out=self._x[1:])
        self._x.dot(self._dense_w1, hidden)
        sparse = examples.sparse.take(slice(index, index + 1)) if len(self._sparse_w1) else None
        if sparse:
            sparse.add_product(self._sparse_w1, out=hidden[None])
        self._elementwise.sigmoid(hidden)
        self._hidden.dot(self._w2, logits)
        # Python's own maximum and sum are faster for few numbers.
        self._elementwise.exponentials(logits, np.float32(max(logits.tolist())))
        logits *= rate / sum(logits.tolist())
        logits[examples.labels[index]] -= rate
        logits.dot(self._w2.T, self._delta)
        self._add_to_w2()
        self._elementwise.times_slope(delta, hidden)
        self._add_to_w1()
        if sparse:
            sparse.add_transposed_product(delta[None], out=self._sparse_into)
