"""What one thread does of a step or an evaluation, in arrays of its own.

The formulas are those of `nn.network`, computed in place: every result has its place from the
start, so that a step allocates no more than a few indices.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from nn import network
from nn.examples import ReadyExamples, Rows
from nn.network import Floats, Integers, Weights, cross_entropy, sigmoid, softmax
from nn.products import add_outer, add_product, multiply

PIECE = 500
"""Examples worked on at once: 1.6 MB of inputs, 0.4 MB of activations."""

MIN_GROUP = 32
"""Fewer examples are no group of their own: BLAS is slow at narrow products. (More than two groups
take longer than they save: each reads and writes the first layer's weights.)"""

ONE = np.float32(1)


class Batch(NamedTuple):
    """Some examples, and how many inputs each of them needs, in falling order if they are many."""

    rows: Rows
    lengths: Integers


def ordered(examples: ReadyExamples, rows: Rows) -> Batch:
    """Put the examples that need most first, if there are enough of them for two groups."""
    lengths = examples.lengths[rows]
    if len(lengths) < 2 * MIN_GROUP:
        return Batch(rows, lengths)
    order = np.argsort(lengths, kind="stable")[::-1]
    return Batch(order + rows.start if isinstance(rows, slice) else rows[order], lengths[order])


class _Group(NamedTuple):
    """Consecutive examples of a piece, and what they need of the inputs, the bias's 1 included."""

    start: int
    stop: int
    x: Floats


class Worker:
    """Forward and backward passes over pieces of a batch.

    Parameters
    ----------
    weights : Weights
        Those that all workers share, contiguous float32.
    """

    def __init__(self, weights: Weights) -> None:
        n_inputs, n_hidden = weights.w1.shape
        n_classes = weights.w2.shape[1]

        def space(*shape: int) -> Floats:
            return np.empty(shape, dtype=np.float32)

        self.change = Weights(np.zeros_like(weights.w1), np.zeros_like(weights.w2))
        self._weights = weights
        self._row_numbers = np.arange(PIECE)
        self._pixels = np.empty((PIECE, n_inputs - 1), dtype=np.uint8)
        self._x = space(PIECE * n_inputs)
        self._hidden = space(PIECE, n_hidden)
        self._hidden_delta = space(PIECE, n_hidden)
        self._slope = space(PIECE, n_hidden)
        self._logits = space(n_classes * PIECE)
        self._product = space(weights.w1.size)
        self._biased_hidden = space(1 + n_hidden)
        self._one_logits = self._logits[:n_classes]

    def descend_on_one(self, examples: ReadyExamples, index: int, learning_rate: float) -> None:
        """Move the weights one step against the gradient of one example's loss.

        The same as `add_gradient`, in vectors: at this size the calls cost more than the
        arithmetic, and with vectors there are fewer of them (18 µs instead of 50).
        """
        width = 1 + int(examples.lengths[index])
        x, w1, w2 = self._x[:width], self._weights.w1[:width], self._weights.w2
        x[0] = 1
        examples.scale(examples.images[index, : width - 1], out=x[1:])
        biased_hidden, logits = self._biased_hidden, self._one_logits
        biased_hidden[0] = 1
        hidden = biased_hidden[1:]
        sigmoid(np.dot(x, w1, out=hidden))
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
        add_outer(x, hidden_delta, out=w1)

    def accumulate(self, examples: ReadyExamples, batch: Batch, rate: np.float32) -> None:
        """Set `change` to a batch's summed gradient, times a rate."""
        for array in self.change:
            array.fill(0)
        for piece in _pieces(batch):
            self.add_gradient(examples, piece, rate, self.change)

    def add_gradient(
        self, examples: ReadyExamples, piece: Batch, rate: np.float32, change: Weights
    ) -> None:
        """Add a piece's summed gradient, times a rate, to `change`, which may be the weights."""
        hidden, logits, groups = self._forward(examples, piece)
        n_rows = len(hidden)
        logits_delta = softmax(logits)
        logits_delta[self._row_numbers[:n_rows], examples.labels[piece.rows]] -= ONE
        # The gradient is linear in what the logits are off by; here the rate costs least.
        logits_delta *= rate
        hidden_delta, slope = self._hidden_delta[:n_rows], self._slope[:n_rows]
        np.matmul(logits_delta, self._weights.w2[1:].T, out=hidden_delta)
        change.w2[0] += np.add.reduce(logits_delta, axis=0)
        add_product(hidden, logits_delta, change.w2[1:], self._product)
        np.subtract(ONE, hidden, out=slope)
        slope *= hidden
        hidden_delta *= slope
        for start, stop, x in groups:
            add_product(x, hidden_delta[start:stop], change.w1[: x.shape[1]], self._product)

    def evaluate(
        self, examples: ReadyExamples, batch: Batch, may_overflow: bool
    ) -> tuple[float, int]:
        """Sum the losses of examples, and count those that are classified rightly."""
        loss = 0.0
        n_right = 0
        for piece in _pieces(batch):
            labels = examples.labels[piece.rows]
            if may_overflow:
                _, logits = network.forward(examples.inputs(piece.rows), self._weights)
            else:
                _, logits, _ = self._forward(examples, piece)
            loss += cross_entropy(logits, labels) * len(labels)
            n_right += int(np.count_nonzero(logits.argmax(axis=1) == labels))
        return loss, n_right

    def _forward(
        self, examples: ReadyExamples, piece: Batch
    ) -> tuple[Floats, Floats, list[_Group]]:
        """Run the network on a piece: its activations, its logits, and the inputs."""
        w1, w2 = self._weights
        n_rows = len(piece.lengths)
        hidden = self._hidden[:n_rows]
        # By columns: sums and maxima over 10 numbers at a time are slow, over rows of numbers fast.
        logits = self._logits[: n_rows * w2.shape[1]].reshape(-1, n_rows).T
        if isinstance(piece.rows, slice):
            pixels = examples.images[piece.rows]
        else:
            pixels = self._pixels[:n_rows]
            # The rows are in range; the mode "raise" would copy.
            np.take(examples.images, piece.rows, axis=0, out=pixels, mode="clip")
        groups = self._groups(piece.lengths)
        for start, stop, x in groups:
            width = x.shape[1]
            x[:, 0] = 1  # times the biases
            examples.scale(pixels[start:stop, : width - 1], out=x[:, 1:])
            multiply(x, w1[:width], out=hidden[start:stop])
        sigmoid(hidden)
        np.matmul(hidden, w2[1:], out=logits)
        logits += w2[0]
        return hidden, logits, groups

    def _groups(self, lengths: Integers) -> list[_Group]:
        """Cut a piece in two, each half as wide as its widest example needs."""
        n_rows = len(lengths)
        if n_rows < 2 * MIN_GROUP:
            width = 1 + int(lengths.max())
            return [_Group(0, n_rows, self._x[: n_rows * width].reshape(n_rows, width))]
        middle = n_rows // 2
        wide, narrow = 1 + int(lengths[0]), 1 + int(lengths[middle])
        end = middle * wide + (n_rows - middle) * narrow
        return [
            _Group(0, middle, self._x[: middle * wide].reshape(middle, wide)),
            _Group(middle, n_rows, self._x[middle * wide : end].reshape(-1, narrow)),
        ]


def _pieces(batch: Batch) -> list[Batch]:
    """Cut a batch into pieces of about the same size."""
    rows, n_rows = batch.rows, len(batch.lengths)
    if isinstance(rows, slice) or n_rows <= PIECE:
        return [batch]
    n_pieces = -(-n_rows // PIECE)
    bounds = [n_rows * place // n_pieces for place in range(n_pieces + 1)]
    return [Batch(rows[start:stop], batch.lengths[start:stop]) for start, stop in pairwise(bounds)]
