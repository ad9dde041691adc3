"""Steps of gradient descent and evaluations, as fast as NumPy can make them.

The formulas are those of `nn.network`; this module computes the same in place. What it does beside
them, and what each is worth (one thread of an AMD EPYC with AVX-512, MNIST, in the step's time):

- **It allocates nothing.** Every result has its place from the start; at batch size 1 the arrays of
  a step cost more than its arithmetic.
- **It skips products with zero.** Where the columns of the images are ordered by how often they are
  not zero (`nn.ordering`), an image ends in a run of zeros, and the first layer needs only what is
  before it: 411 of MNIST's 784 columns on average. Which images form a batch is given, their order
  within it is not: sorted by length and cut into groups, each group has a width of its own.
- **It works in pieces**, so that the floats of a piece stay in the cache and those of all images
  are never in memory at once.
- **One library multiplies.** Every product is NumPy's: SciPy brings a second BLAS, and with two
  threads their pools get in each other's way.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from nn import network
from nn.examples import ReadyExamples, Rows
from nn.network import Floats, Integers, Weights, cross_entropy, sigmoid, softmax

PIECE = 500
"""Examples in a piece: 1.6 MB of inputs, 0.4 MB of activations."""

MIN_GROUP = 32
"""Fewer examples are no group of their own: BLAS is slow at narrow products."""

MAX_GROUPS = 4
"""More do not shorten a piece by much."""


class _Group(NamedTuple):
    """Consecutive examples of a piece, and how many inputs they need, the bias included."""

    start: int
    stop: int
    width: int


class Engine:
    """Moves and measures the weights of a network.

    Parameters
    ----------
    weights : Weights
        Where to start, float32; not changed.
    columns : ndarray of int, shape (n_inputs,), optional
        Which input each column of the images is; their own order without it.
    """

    def __init__(self, weights: Weights, columns: Integers | None = None) -> None:
        n_inputs, n_hidden = weights.w1.shape
        n_classes = weights.w2.shape[1]
        self._order = np.arange(n_inputs)
        if columns is not None:
            self._order[1:] = 1 + columns
        self._weights = Weights(weights.w1[self._order], weights.w2.copy())

        def space(*shape: int) -> Floats:
            return np.empty(shape, dtype=np.float32)

        self._row_numbers = np.arange(PIECE)
        self._pixels = np.empty((PIECE, n_inputs - 1), dtype=np.uint8)
        self._x = space(PIECE, n_inputs)
        self._x[:, 0] = 1  # times the biases
        self._hidden = space(PIECE, n_hidden)
        self._hidden_delta = space(PIECE, n_hidden)
        self._slope = space(PIECE, n_hidden)
        self._logits = space(PIECE, n_classes)
        self._change = Weights(np.zeros_like(weights.w1), np.zeros_like(weights.w2))
        self._part = Weights(np.zeros_like(weights.w1), np.zeros_like(weights.w2))

    @property
    def weights(self) -> Weights:
        """The weights now, a copy, with the inputs in their own order."""
        w1 = np.empty_like(self._weights.w1)
        w1[self._order] = self._weights.w1
        return Weights(w1, self._weights.w2.copy())

    def descend(self, examples: ReadyExamples, rows: Rows, learning_rate: float) -> None:
        """Move the weights one step against the gradient of a batch's mean loss.

        Parameters
        ----------
        examples : ReadyExamples
        rows : slice or ndarray of int
            The batch.
        learning_rate : float
            Not negative.
        """
        indices, lengths = _by_length(examples, rows)
        n_rows = len(indices)
        # The gradient is linear in what the logits are off by: there the rate costs least.
        rate = np.float32(learning_rate / n_rows)
        self._backward(examples, indices[:PIECE], lengths[:PIECE], rate, self._change)
        for start in range(PIECE, n_rows, PIECE):
            piece = slice(start, start + PIECE)
            width = self._backward(examples, indices[piece], lengths[piece], rate, self._part)
            self._change.w1[:width] += self._part.w1[:width]
            self._change.w2[:] += self._part.w2
        w1, w2 = self._weights
        width = 1 + int(lengths[0])
        w1 = w1[:width]
        w1 -= self._change.w1[:width]
        w2 -= self._change.w2

    def rehearse(self, examples: ReadyExamples, rows: Rows) -> None:
        """Take steps, or pieces of them, of length 0.

        Evaluation leaves the processor's caches full of images. The next step would pay for that,
        and so evaluation would be on the clock after all.

        Parameters
        ----------
        examples : ReadyExamples
        rows : slice or ndarray of int
            The batch of the step to come.
        """
        for _ in range(3):
            indices, lengths = _by_length(examples, rows)
            self._backward(examples, indices[:PIECE], lengths[:PIECE], np.float32(0), self._change)

    def evaluate(self, examples: ReadyExamples) -> tuple[float, float]:
        """Measure the network on all examples.

        Parameters
        ----------
        examples : ReadyExamples

        Returns
        -------
        loss : float
            The mean cross-entropy in nats, finite for all finite weights.
        accuracy : float
            The percentage of the examples that are classified rightly, 0 to 100.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            return self._evaluate(examples)

    def _evaluate(self, examples: ReadyExamples) -> tuple[float, float]:
        n_examples = len(examples.labels)
        may_overflow = self._may_overflow(examples)
        indices, lengths = _by_length(examples, slice(0, n_examples))
        loss = 0.0
        n_right = 0
        for start in range(0, n_examples, PIECE):
            piece = slice(start, start + PIECE)
            labels = examples.labels[indices[piece]]
            if may_overflow:
                _, logits = network.forward(examples.inputs(indices[piece]), self._weights)
            else:
                self._forward(examples, indices[piece], lengths[piece])
                logits = self._logits[: len(labels)]
            loss += cross_entropy(logits, labels) * len(labels)
            n_right += int(np.count_nonzero(logits.argmax(axis=1) == labels))
        return loss / n_examples, 100 * n_right / n_examples

    def _forward(
        self, examples: ReadyExamples, indices: Integers, lengths: Integers
    ) -> list[_Group]:
        """Run the network on a piece; what comes of it is in `_x`, `_hidden` and `_logits`."""
        w1, w2 = self._weights
        n_rows = len(indices)
        pixels, hidden, logits = self._pixels[:n_rows], self._hidden[:n_rows], self._logits[:n_rows]
        np.take(examples.images, indices, axis=0, out=pixels, mode="clip")  # "raise" would copy
        groups = _groups(lengths)
        for start, stop, width in groups:
            x = self._x[start:stop, :width]
            examples.scale(pixels[start:stop, : width - 1], out=x[:, 1:])
            np.matmul(x, w1[:width], out=hidden[start:stop])
        sigmoid(hidden)
        np.matmul(hidden, w2[1:], out=logits)
        logits += w2[0]
        return groups

    def _backward(
        self,
        examples: ReadyExamples,
        indices: Integers,
        lengths: Integers,
        rate: "np.float32",
        change: Weights,
    ) -> int:
        """Compute a piece's summed gradient, times the rate; tell how many rows of w1 it has."""
        groups = self._forward(examples, indices, lengths)
        n_rows = len(indices)
        hidden = self._hidden[:n_rows]
        logits_delta = softmax(self._logits[:n_rows])
        logits_delta[self._row_numbers[:n_rows], examples.labels[indices]] -= 1
        logits_delta *= rate
        np.add.reduce(logits_delta, axis=0, out=change.w2[0])
        np.matmul(hidden.T, logits_delta, out=change.w2[1:])

        hidden_delta, slope = self._hidden_delta[:n_rows], self._slope[:n_rows]
        np.matmul(logits_delta, self._weights.w2[1:].T, out=hidden_delta)
        np.subtract(1, hidden, out=slope)
        slope *= hidden
        hidden_delta *= slope
        # Inputs beyond a group's width concern only the groups before it, which are wider.
        narrower = 0
        for _, stop, width in reversed(groups):
            if width > narrower:
                x, delta = self._x[:stop, narrower:width], hidden_delta[:stop]
                _times(x.T, delta, out=change.w1[narrower:width])
                narrower = width
        return narrower

    def _may_overflow(self, examples: ReadyExamples) -> bool:
        """Tell whether float32 may have no room for a sum, or whether a weight is not finite."""
        w1, w2 = self._weights
        z = float(np.abs(w1).max()) * max(1.0, examples.largest_input) * len(w1)
        logit = float(np.abs(w2).max()) * len(w2)
        return not max(z, logit) < np.finfo(np.float32).max


def _by_length(examples: ReadyExamples, rows: Rows) -> tuple[Integers, Integers]:
    """Sort examples by how many inputs they need, most first; give their indices and lengths."""
    lengths = examples.lengths[rows]
    order = np.argsort(lengths, kind="stable")[::-1]
    indices = order + rows.start if isinstance(rows, slice) else rows[order]
    return indices, lengths[order]


def _groups(lengths: Integers) -> list[_Group]:
    """Cut a piece into groups of about the same size."""
    n_rows = len(lengths)
    n_groups = min(max(1, n_rows // MIN_GROUP), MAX_GROUPS)
    bounds = [n_rows * place // n_groups for place in range(n_groups + 1)]
    return [_Group(start, stop, 1 + int(lengths[start])) for start, stop in pairwise(bounds)]


def _times(a: Floats, b: Floats, out: Floats) -> None:
    """Multiply matrices; a column times a row is no matrix product to BLAS's liking."""
    if a.shape[1] == 1:
        np.multiply(a, b, out=out)
    else:
        np.matmul(a, b, out=out)
