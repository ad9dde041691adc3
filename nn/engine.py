"""A step of gradient descent and an evaluation, over examples of any number.

Both run through the examples in pieces, so that the floats of a piece stay in the cache and
those of all 60,000 images are never in memory at once.
"""

from collections.abc import Iterator

import numpy as np

from nn.examples import Examples, Rows
from nn.network import Weights, backward, cross_entropy, forward

PIECE = 1000
"""Examples in a piece: 3 MB of inputs."""


def descend(weights: Weights, examples: Examples, rows: Rows, learning_rate: float) -> None:
    """Move the weights one step against the gradient of a batch's mean loss.

    Parameters
    ----------
    weights : Weights
        float32; changed in place.
    examples : Examples
    rows : slice or ndarray of int
        The batch.
    learning_rate : float
        Positive.
    """
    first, *others = _pieces(rows)
    gradient, n_rows = _gradient(weights, examples, first)
    for piece in others:
        part, n_part = _gradient(weights, examples, piece)
        for total, term in zip(gradient, part, strict=True):
            total += term
        n_rows += n_part
    rate = np.float32(learning_rate / n_rows)
    for array, slope in zip(weights, gradient, strict=True):
        array -= rate * slope


def rehearse(weights: Weights, examples: Examples, rows: Rows) -> None:
    """Take a step, or a piece of one, of length 0.

    Evaluation leaves the processor's caches full of images and the allocator without the arrays
    that a step needs. The next step would pay for both, and so evaluation would be on the clock
    after all.

    Parameters
    ----------
    weights : Weights
        Not changed.
    examples : Examples
    rows : slice or ndarray of int
        The batch of the step to come.
    """
    for _ in range(3):
        descend(weights, examples, next(_pieces(rows)), learning_rate=0.0)


def evaluate(weights: Weights, examples: Examples) -> tuple[float, float]:
    """Measure the network on all examples.

    Parameters
    ----------
    weights : Weights
    examples : Examples

    Returns
    -------
    loss : float
        The mean cross-entropy in nats, finite for all finite weights.
    accuracy : float
        The percentage of the examples that are classified rightly, 0 to 100.
    """
    n_examples = len(examples.labels)
    loss = 0.0
    n_right = 0
    for piece in _pieces(slice(0, n_examples)):
        labels = examples.labels[piece]
        _, logits = forward(examples.inputs(piece), weights)
        loss += cross_entropy(logits, labels) * len(labels)
        n_right += int(np.count_nonzero(logits.argmax(axis=1) == labels))
    return loss / n_examples, 100 * n_right / n_examples


def _gradient(weights: Weights, examples: Examples, piece: Rows) -> tuple[Weights, int]:
    x, labels = examples.inputs(piece), examples.labels[piece]
    hidden, logits = forward(x, weights)
    return backward(x, labels, hidden, logits, weights), len(labels)


def _pieces(rows: Rows) -> Iterator[Rows]:
    if isinstance(rows, slice):
        for start in range(rows.start, rows.stop, PIECE):
            yield slice(start, min(start + PIECE, rows.stop))
    else:
        for start in range(0, len(rows), PIECE):
            yield rows[start : start + PIECE]
