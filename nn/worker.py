"""What one thread does of a step or an evaluation, in arrays of its own.

The formulas are those of `nn.network`, computed in place: every result has its place from the
start, so that a step allocates no more than a few indices, and of shuffled examples their sparse
inputs. What each trick gains is what `benchmarks.tricks` found on an AMD EPYC, Zen 3, one thread.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nn import network
from nn.examples import ReadyExamples
from nn.network import Floats, Integers, Weights, cross_entropy, sigmoid, softmax
from nn.products import Product, add_outer, in_parts
from nn.rows import Rows, count, cut
from nn.sparse import SparseRows

PIECE = 512
"""Examples worked on at once: 0.7 MB of dense inputs, 0.4 MB of activations."""

ONE = np.float32(1)

_Products = list[Callable[[], object]]


class _Room(NamedTuple):
    """Where the activations of a piece are, and what is computed from one to the other."""

    pixels: npt.NDArray[np.uint8]
    inputs: Floats
    hidden: Floats
    by_example: Floats
    logits: Floats
    hidden_delta: Floats
    slope: Floats
    row_numbers: Integers
    set_z: _Products
    add_logits: Product
    set_hidden_delta: Product


class Worker:
    """Forward and backward passes over pieces of a batch.

    Parameters
    ----------
    weights : Weights
        Those that all workers share, contiguous float32.
    n_dense : int
        How many of the inputs are dense: the first so many.
    threads : int
        How many may share a product.
    """

    def __init__(self, weights: Weights, n_dense: int, threads: int = 1) -> None:
        n_hidden, n_classes = weights.w2.shape[0] - 1, weights.w2.shape[1]

        def space(*shape: int) -> Floats:
            return np.empty(shape, dtype=np.float32)

        self.change = Weights(np.zeros_like(weights.w1), np.zeros_like(weights.w2))
        self._weights = weights
        self._threads = threads
        self._width = 1 + n_dense  # of the dense part, with the biases
        self._has_sparse = self._width < len(weights.w1)
        self._w1_dense, self._w1_sparse = weights.w1[: self._width], weights.w1[self._width :]
        self._row_numbers = np.arange(PIECE)
        self._ones = np.ones((1, PIECE), dtype=np.float32)
        self._pixels = np.empty((PIECE, n_dense), dtype=np.uint8)
        self._x = space(PIECE, -(-self._width // 16) * 16)[:, : self._width]
        self._x[:, 0] = 1  # times the biases
        self._hidden = space(PIECE, n_hidden)
        self._hidden_delta = space(PIECE, n_hidden)
        self._slope = space(PIECE, n_hidden)
        self._by_example = space(PIECE, n_classes)
        self._logits = space(n_classes * PIECE)
        self._one_x = self._x[0]
        self._biased_hidden = space(1 + n_hidden)
        self._one_logits = self._logits[:n_classes]
        # The same products are wanted again and again.
        self._room = functools.cache(self._make_room)
        self._gradients = functools.cache(self._make_gradients)

    def descend_on_one(self, examples: ReadyExamples, index: int, learning_rate: float) -> None:
        """Move the weights one step against the gradient of one example's loss.

        The same as `_add_gradient`, in vectors: at this size the calls cost more than the
        arithmetic, and with vectors there are fewer of them.
        """
        x, w2 = self._one_x, self._weights.w2
        examples.scale(examples.dense[index], out=x[1:])
        sparse = examples.sparse.take(slice(index, index + 1)) if self._has_sparse else None
        biased_hidden, logits = self._biased_hidden, self._one_logits
        biased_hidden[0] = 1
        hidden = biased_hidden[1:]
        np.dot(x, self._w1_dense, out=hidden)
        if sparse:
            sparse.add_product(self._w1_sparse, out=hidden[None])
        sigmoid(hidden)
        np.dot(biased_hidden, w2, out=logits)

        # Softmax: the largest exponent is 0, as in nn.network.
        logits -= logits.max()
        np.exp(logits, out=logits)
        logits /= logits.sum()
        logits[examples.labels[index]] -= ONE
        logits *= np.float32(-learning_rate)
        hidden_delta, slope = self._hidden_delta[0], self._slope[0]
        np.dot(w2[1:], logits, out=hidden_delta)
        add_outer(biased_hidden, logits, out=w2)
        np.subtract(ONE, hidden, out=slope)
        slope *= hidden
        hidden_delta *= slope
        add_outer(x, hidden_delta, out=self._w1_dense)
        if sparse:
            sparse.add_transposed_product(hidden_delta[None], out=self._w1_sparse)

    def descend(self, examples: ReadyExamples, piece: Rows, rate: np.float32) -> None:
        """Add a piece's summed gradient, times a rate, to the weights."""
        self._add_gradient(examples, piece, rate, is_shared=True)

    def accumulate(self, examples: ReadyExamples, rows: Rows, rate: np.float32) -> None:
        """Set `change` to the summed gradient of some examples, times a rate."""
        for array in self.change:
            array.fill(0)
        for piece in _pieces(rows):
            self._add_gradient(examples, piece, rate, is_shared=False)

    def _add_gradient(
        self, examples: ReadyExamples, piece: Rows, rate: np.float32, is_shared: bool
    ) -> None:
        """Add a piece's summed gradient, times a rate, to the shared weights or to `change`."""
        room, sparse = self._forward(examples, piece)
        logits_delta = softmax(room.logits)
        logits_delta[room.row_numbers, examples.labels[piece]] -= ONE
        # The gradient is linear in what the logits are off by; here the rate costs least.
        logits_delta *= rate
        room.set_hidden_delta()
        hidden, hidden_delta, slope = room.hidden, room.hidden_delta, room.slope
        np.subtract(ONE, hidden, out=slope)
        slope *= hidden
        hidden_delta *= slope
        _compute(self._gradients(len(hidden), is_shared))
        if sparse:
            w1 = self._weights.w1 if is_shared else self.change.w1
            sparse.add_transposed_product(hidden_delta, out=w1[self._width :])

    def evaluate(
        self, examples: ReadyExamples, rows: Rows, may_overflow: bool
    ) -> tuple[float, int]:
        """Sum the losses of examples, and count those that are classified rightly."""
        loss = 0.0
        n_right = 0
        for piece in _pieces(rows):
            labels = examples.labels[piece]
            if may_overflow:
                _, logits = network.forward(examples.inputs(piece), self._weights)
            else:
                logits = self._forward(examples, piece)[0].logits
            loss += cross_entropy(logits, labels) * len(labels)
            n_right += int(np.count_nonzero(logits.argmax(axis=1) == labels))
        return loss, n_right

    def _forward(self, examples: ReadyExamples, piece: Rows) -> tuple[_Room, SparseRows | None]:
        """Run the network on a piece; give also its sparse inputs, if it may have any."""
        room = self._room(count(piece))
        if isinstance(piece, slice):
            pixels = examples.dense[piece]
        else:
            pixels = room.pixels
            # The rows are in range; the mode "raise" would copy.
            np.take(examples.dense, piece, axis=0, out=pixels, mode="clip")
        examples.scale(pixels, out=room.inputs)
        _compute(room.set_z)
        sparse = examples.sparse.take(piece) if self._has_sparse else None
        if sparse:
            sparse.add_product(self._w1_sparse, out=room.hidden)
        sigmoid(room.hidden)
        np.copyto(room.by_example, self._weights.w2[0])
        room.add_logits()
        np.copyto(room.logits, room.by_example)
        return room, sparse

    def _make_room(self, n_rows: int) -> _Room:
        w2 = self._weights.w2
        # BLAS likes rows of 10 numbers best (44 µs instead of 91 for 500 examples), but sums and
        # maxima within such rows are slow (58 µs instead of 26). So a copy turns them into columns.
        by_example = self._by_example[:n_rows]
        by_class = self._logits[: n_rows * w2.shape[1]].reshape(-1, n_rows)
        hidden, hidden_delta = self._hidden[:n_rows], self._hidden_delta[:n_rows]
        x = self._x[:n_rows]
        return _Room(
            self._pixels[:n_rows],
            x[:, 1:],
            hidden,
            by_example,
            by_class.T,
            hidden_delta,
            self._slope[:n_rows],
            self._row_numbers[:n_rows],
            in_parts(x, self._w1_dense, out=hidden, threads=self._threads),
            Product(hidden, w2[1:], out=by_example, is_added=True),
            Product(by_class.T, w2[1:].T, out=hidden_delta),
        )

    def _make_gradients(self, n_rows: int, is_shared: bool) -> _Products:
        """Prepare the products that add a piece's gradient, but for the sparse inputs."""
        w1, w2 = self._weights if is_shared else self.change
        room = self._room(n_rows)
        return [
            Product(self._ones[:, :n_rows], room.logits, out=w2[:1], is_added=True),
            Product(room.hidden.T, room.logits, out=w2[1:], is_added=True),
            *in_parts(self._x[:n_rows].T, room.hidden_delta, out=w1[: self._width], is_added=True),
        ]


def _compute(products: _Products) -> None:
    for product in products:
        product()


def _pieces(rows: Rows) -> list[Rows]:
    """Cut rows into pieces of about the same size."""
    return cut(rows, -(-count(rows) // PIECE))
