"""Steps of gradient descent and evaluations, as fast as Python can have them.

What is done beside the formulas of `nn.network`:

- **Nothing is allocated** (`nn.worker`), and products are prepared once (`nn.products`).
- **Products with zero are skipped.** Where the columns of the images are ordered by how often they
  are not zero (`nn.ordering`), an image ends in a run of zeros, and the first layer needs only what
  is before it: 411 of MNIST's 784 columns on average. Which images form a batch is given, their
  order within it is not: sorted by length and cut into groups, each group has a width of its own.
- **Threads share a batch, not a product.** Each takes every n-th example, with a BLAS of one
  thread. OpenBLAS's own threads gain nothing at these sizes, and those of NumPy's and SciPy's get
  in each other's way. (All 60,000 take 142 ms on two threads, 291 on one, of an EPYC, Zen 4.)
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from nn.examples import Batch, ReadyExamples, Rows
from nn.network import Floats, Integers, Weights
from nn.worker import PIECE, Worker, ordered

MIN_SHARE = 256
"""Fewer examples for each thread are not worth waking another: the two would wait for each other to
release Python's lock."""

FLOAT32_MAX = float(np.finfo(np.float32).max)

Result = TypeVar("Result")


class Engine:
    """Moves and measures the weights of a network.

    Parameters
    ----------
    weights : Weights
        Where to start, float32; not changed.
    columns : ndarray of int, shape (n_inputs,), optional
        Which input each column of the images is; their own order without it.
    threads : int
        How many share the work. BLAS itself should have one.
    """

    def __init__(self, weights: Weights, columns: Integers | None = None, threads: int = 1) -> None:
        self._order = np.arange(len(weights.w1))
        if columns is not None:
            self._order[1:] = 1 + columns
        self._weights = Weights(weights.w1[self._order], weights.w2.copy())
        self._workers = [Worker(self._weights) for _ in range(threads)]
        self._pool = ThreadPoolExecutor(max(1, threads - 1))  # starts a thread when it needs one

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
        n_rows = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
        if n_rows == 1:
            index = rows.start if isinstance(rows, slice) else int(rows[0])
            self._workers[0].descend_on_one(examples, index, learning_rate)
            return
        batch = ordered(examples, rows)
        rate = np.float32(-learning_rate / n_rows)
        n_shares = self.threads_for(n_rows)
        if n_shares == 1 and n_rows <= PIECE:
            self._workers[0].descend(examples, batch, rate)
            return
        self._share(lambda worker, share: worker.accumulate(examples, share, rate), batch, n_shares)
        w1, w2 = self._weights
        for worker in self._workers[:n_shares]:
            w1 += worker.change.w1
            w2 += worker.change.w2

    def rehearse(self, examples: ReadyExamples, rows: Rows) -> None:
        """Take steps, or parts of them, of length 0.

        Evaluation leaves the processor's caches full of images. The next step would pay for that,
        and so evaluation would be on the clock after all.

        Parameters
        ----------
        examples : ReadyExamples
        rows : slice or ndarray of int
            The batch of the step to come.
        """
        if isinstance(rows, slice):
            some: Rows = slice(rows.start, min(rows.stop, rows.start + PIECE))
        else:
            some = rows[:PIECE]
        for _ in range(3):
            self.descend(examples, some, learning_rate=0.0)

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
        n_examples = len(examples.labels)
        may_overflow = self._may_overflow(examples)
        losses, counts = zip(
            *self._share(
                lambda worker, share: worker.evaluate(examples, share, may_overflow),
                examples.everything,
                self.threads_for(n_examples),
            ),
            strict=True,
        )
        return sum(losses) / n_examples, 100 * sum(counts) / n_examples

    def threads_for(self, n_examples: int) -> int:
        """Tell how many threads share the work on so many examples.

        Parameters
        ----------
        n_examples : int

        Returns
        -------
        int
        """
        return min(max(1, n_examples // MIN_SHARE), len(self._workers))

    def _share(
        self, work: Callable[[Worker, Batch], Result], batch: Batch, n_shares: int
    ) -> list[Result]:
        """Let each of some workers do its share of a batch; give what each returns, in order."""

        def quietly(place: int) -> Result:
            # A network that blows up is a result. A thread has its own mind about warnings.
            with np.errstate(over="ignore", invalid="ignore"):
                return work(self._workers[place], shares[place])

        rows, lengths = batch
        if isinstance(rows, slice):
            shares = [batch]
        else:
            places = range(n_shares)
            shares = [Batch(rows[place::n_shares], lengths[place::n_shares]) for place in places]

        others = [self._pool.submit(quietly, place) for place in range(1, n_shares)]
        return [quietly(0), *(other.result() for other in others)]

    def _may_overflow(self, examples: ReadyExamples) -> bool:
        """Tell whether float32 may have no room for a sum, or whether a weight is not finite."""
        w1, w2 = self._weights
        z = _largest(w1) * max(1.0, examples.largest_input) * len(w1)
        logit = _largest(w2) * len(w2)
        return not max(z, logit) < FLOAT32_MAX


def _largest(array: Floats) -> float:
    """Tell the largest absolute value, without another array; NaN if there is one."""
    return float(np.maximum(array.max(), -array.min()))
