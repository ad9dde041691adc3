"""What one thread does of a step or an evaluation, in arrays of its own.

The formulas are those of `nn.network`, computed in place: every result has its place from the
start, so that a step allocates no more than a few indices. What each trick gains is what
`benchmarks.tricks` found on an AMD EPYC, Zen 3, one thread.
"""

import functools
from collections.abc import Callable
from itertools import pairwise, zip_longest
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nn import network
from nn.examples import Batch, ReadyExamples, Rows
from nn.network import Floats, Integers, Weights, cross_entropy, sigmoid, softmax
from nn.ordering import longest_first
from nn.products import HAS_SMALL_PRODUCTS, Product, add_outer, cuts, in_parts

PIECE = 500
"""Examples worked on at once: 1.6 MB of inputs, 0.4 MB of activations."""

FORWARD_GROUP = 16 if HAS_SMALL_PRODUCTS else 32
BACKWARD_GROUP = 32
"""Examples, at least, of a group on the way forward, and of one on the way back, which reads and
writes the first layer's weights. With fewer, BLAS takes longer than the skipped zeros save."""

MANY, GROUP_OF_MANY = 128, 64
"""Of more examples a group has at least so many. One thread is as fast with smaller groups, but two
would wait for each other more often, for Python's lock: 512 examples take them 3.5 ms instead of
3.7 (and on Zen 4, where the groups would be of 16, 1.6 instead of 2.6)."""

NARROWER = 0.96
"""A group ends where the next example needs less than this share of the inputs."""

ONE = np.float32(1)

_Products = list[Callable[[], object]]


def ordered(examples: ReadyExamples, rows: Rows) -> Batch:
    """Put the examples that need most first, if there are enough of them for two groups."""
    if isinstance(rows, slice) and rows.stop - rows.start == len(examples.lengths):
        return examples.everything
    lengths = examples.lengths[rows]
    if len(lengths) < 2 * FORWARD_GROUP:
        return Batch(rows, lengths)
    order = longest_first(lengths)
    if len(order) <= MANY and lengths[order[0]] == lengths[order[-1]]:
        return Batch(rows, lengths)  # nothing to skip, so nothing to move
    return Batch(order + rows.start if isinstance(rows, slice) else rows[order], lengths[order])


class _Room(NamedTuple):
    """Where the activations of a piece are, and what is computed from one to the other."""

    pixels: npt.NDArray[np.uint8]
    x: Floats
    hidden: Floats
    by_example: Floats
    logits: Floats
    hidden_delta: Floats
    slope: Floats
    row_numbers: Integers
    add_logits: Product
    set_hidden_delta: Product


class _Group(NamedTuple):
    """Consecutive examples of a piece, and how many inputs they need, the bias's 1 included."""

    start: int
    stop: int
    width: int


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
        self._x = space(PIECE, -(-n_inputs // 16) * 16)
        self._x[:, 0] = 1  # times the biases
        self._hidden = space(PIECE, n_hidden)
        self._hidden_delta = space(PIECE, n_hidden)
        self._slope = space(PIECE, n_hidden)
        self._by_example = space(PIECE, n_classes)
        self._logits = space(n_classes * PIECE)
        self._biased_hidden = space(1 + n_hidden)
        self._one_logits = self._logits[:n_classes]
        # The same products are wanted again and again.
        self._room = functools.cache(self._make_room)
        self._hidden_products = functools.cache(self._make_hidden_products)
        self._w1_products = functools.cache(self._make_w1_products)
        self._w2_product = functools.cache(self._make_w2_product)

    def descend_on_one(self, examples: ReadyExamples, index: int, learning_rate: float) -> None:
        """Move the weights one step against the gradient of one example's loss.

        The same as `add_gradient`, in vectors: at this size the calls cost more than the
        arithmetic, and with vectors there are fewer of them (51 µs instead of 89).
        """
        width = 1 + int(examples.lengths[index])
        x, w1, w2 = self._x[0, :width], self._weights.w1[:width], self._weights.w2
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

    def descend(self, examples: ReadyExamples, piece: Batch, rate: np.float32) -> None:
        """Add a piece's summed gradient, times a rate, to the weights."""
        self._add_gradient(examples, piece, rate, is_shared=True)

    def accumulate(self, examples: ReadyExamples, batch: Batch, rate: np.float32) -> None:
        """Set `change` to a batch's summed gradient, times a rate."""
        for array in self.change:
            array.fill(0)
        for piece in _pieces(batch):
            self._add_gradient(examples, piece, rate, is_shared=False)

    def _add_gradient(
        self, examples: ReadyExamples, piece: Batch, rate: np.float32, is_shared: bool
    ) -> None:
        """Add a piece's summed gradient, times a rate, to the shared weights or to `change`."""
        room, groups = self._forward(examples, piece)
        n_rows = len(room.hidden)
        logits_delta = softmax(room.logits)
        logits_delta[room.row_numbers, examples.labels[piece.rows]] -= ONE
        # The gradient is linear in what the logits are off by; here the rate costs least.
        logits_delta *= rate
        room.set_hidden_delta()
        change = self._weights if is_shared else self.change
        change.w2[0] += np.add.reduce(logits_delta, axis=0)
        self._w2_product(n_rows, is_shared)()
        hidden, hidden_delta, slope = room.hidden, room.hidden_delta, room.slope
        np.subtract(ONE, hidden, out=slope)
        slope *= hidden
        hidden_delta *= slope
        if len(groups) > 1:  # coarser cuts find no two groups where finer ones found one
            groups = _groups(piece.lengths, BACKWARD_GROUP)
        _compute([self._w1_products(*group, is_shared) for group in groups])

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
                logits = self._forward(examples, piece)[0].logits
            loss += cross_entropy(logits, labels) * len(labels)
            n_right += int(np.count_nonzero(logits.argmax(axis=1) == labels))
        return loss, n_right

    def _forward(self, examples: ReadyExamples, piece: Batch) -> tuple[_Room, list[_Group]]:
        """Run the network on a piece; tell also in which groups."""
        room = self._room(len(piece.lengths))
        if isinstance(piece.rows, slice):
            pixels = examples.images[piece.rows]
        else:
            pixels = room.pixels
            # The rows are in range; the mode "raise" would copy.
            np.take(examples.images, piece.rows, axis=0, out=pixels, mode="clip")
        groups = _groups(piece.lengths, FORWARD_GROUP)
        # No group is wider than the first.
        n_pixels = groups[0].width - 1
        examples.scale(pixels[:, :n_pixels], out=room.x[:, 1 : 1 + n_pixels])
        _compute([self._hidden_products(*group) for group in groups])
        sigmoid(room.hidden)
        np.copyto(room.by_example, self._weights.w2[0])
        room.add_logits()
        np.copyto(room.logits, room.by_example)
        return room, groups

    def _make_room(self, n_rows: int) -> _Room:
        w2 = self._weights.w2
        # BLAS likes rows of 10 numbers best (44 µs instead of 91 for 500 examples), but sums and
        # maxima within such rows are slow (58 µs instead of 26). So a copy turns them into columns.
        by_example = self._by_example[:n_rows]
        by_class = self._logits[: n_rows * w2.shape[1]].reshape(-1, n_rows)
        hidden, hidden_delta = self._hidden[:n_rows], self._hidden_delta[:n_rows]
        return _Room(
            self._pixels[:n_rows],
            self._x[:n_rows],
            hidden,
            by_example,
            by_class.T,
            hidden_delta,
            self._slope[:n_rows],
            self._row_numbers[:n_rows],
            Product(hidden, w2[1:], out=by_example, is_added=True),
            Product(by_class.T, w2[1:].T, out=hidden_delta),
        )

    def _make_hidden_products(self, start: int, stop: int, width: int) -> _Products:
        x, w1 = self._x[start:stop, :width], self._weights.w1[:width]
        return in_parts(x, w1, out=self._hidden[start:stop])

    def _make_w1_products(self, start: int, stop: int, width: int, is_shared: bool) -> _Products:
        w1 = (self._weights if is_shared else self.change).w1[:width]
        x, hidden_delta = self._x[start:stop, :width], self._hidden_delta[start:stop]
        return in_parts(x.T, hidden_delta, out=w1, is_added=True)

    def _make_w2_product(self, n_rows: int, is_shared: bool) -> Product:
        w2 = (self._weights if is_shared else self.change).w2
        room = self._room(n_rows)
        return Product(room.hidden.T, room.logits, out=w2[1:], is_added=True)


def _groups(lengths: Integers, least: int) -> list[_Group]:
    """Cut a piece into groups, each as wide as its widest example needs."""
    n_rows = len(lengths)
    if n_rows < 2 * least:
        widest = lengths[0] if n_rows >= 2 * FORWARD_GROUP else lengths.max()
        return [_Group(0, n_rows, 1 + int(widest))]
    if n_rows > MANY:
        least = GROUP_OF_MANY
    groups = []
    start = 0
    widths = (1 + lengths[::least]).tolist()
    width = widths[0]
    for place in range(1, n_rows // least):
        if widths[place] < NARROWER * width:
            groups.append(_Group(start, place * least, width))
            start, width = place * least, widths[place]
    groups.append(_Group(start, n_rows, width))
    return groups


def _compute(groups: list[_Products]) -> None:
    """Compute the products of all groups, part by part: a part's weights stay in the cache."""
    for products in zip_longest(*groups):
        for product in products:
            if product:
                product()


def _pieces(batch: Batch) -> list[Batch]:
    """Cut a batch into pieces of about the same size."""
    rows, n_rows = batch.rows, len(batch.lengths)
    if isinstance(rows, slice) or n_rows <= PIECE:
        return [batch]
    bounds = cuts(n_rows, -(-n_rows // PIECE))
    return [Batch(rows[start:stop], batch.lengths[start:stop]) for start, stop in pairwise(bounds)]
