"""Steps of gradient descent and evaluations, as fast as Python can have them.

What is done beside the formulas of `nn.network`:

- **Nothing is allocated** (`nn.worker`), and products are prepared once (`nn.products`).
- **Most products with zero are skipped.** The columns of the images that are often not zero make a
  matrix for BLAS, of the others only the pixels that are not zero are multiplied (`nn.ordering`,
  `nn.sparse`). Of MNIST's 784 columns 343 are dense; of the other 441 an image has 7 pixels. All
  60,000 take 1.8 times as long without.
- **Threads share a batch, not a product,** where it is large. Each takes a part of the examples,
  with a BLAS of one thread; 5,000 take 0.6 of the time on two. Of fewer examples BLAS's threads
  share each product, those of SciPy's BLAS alone, since NumPy has one of its own, and the two get
  in each other's way: 512 take 0.7 of the time.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from nn.examples import ReadyExamples
from nn.network import Floats, Weights
from nn.products import CAN_SHARE_PRODUCTS, HAS_SMALL_PRODUCTS, set_threads
from nn.rows import Rows, count, cut, first
from nn.worker import PIECE, Worker

MIN_SHARE = 256 if HAS_SMALL_PRODUCTS else 1500
"""Fewer examples for each thread are not worth waking another: the two would wait for each other to
release Python's lock. (BLAS gets its products in parts on Zen 4, and shares none.)"""

MIN_PRODUCT = 2_000_000
"""Multiplications of the largest product from which on it is shared among BLAS's threads: those of
30 of the chapter's examples. These threads wait for the next product in a loop, for a tenth of a
second, in the way of an evaluation's: off the clock."""

FLOAT32_MAX = float(np.finfo(np.float32).max)

Result = TypeVar("Result")


class Engine:
    """Moves and measures the weights of a network.

    Parameters
    ----------
    weights : Weights
        Where to start, float32; not changed.
    examples : ReadyExamples
        Those to learn from. All that the engine is given later must have their columns.
    threads : int
        How many share the work. NumPy's BLAS should have one; the threads of SciPy's are set here.

    Raises
    ------
    ValueError
        If the weights are not for so many inputs.
    """

    def __init__(self, weights: Weights, examples: ReadyExamples, threads: int = 1) -> None:
        if len(weights.w1) != 1 + len(examples.columns):
            raise ValueError(
                f"weights: found those of {len(weights.w1) - 1} inputs, "
                f"expected {len(examples.columns)}"
            )
        self._columns, self._n_dense = examples.columns, examples.dense.shape[1]
        self._order = np.concatenate(([0], 1 + self._columns))
        self._weights = Weights(weights.w1[self._order], weights.w2.copy())
        self._product_of_one = (1 + self._n_dense) * weights.w1.shape[1]
        self._workers = [Worker(self._weights, self._n_dense, threads) for _ in range(threads)]
        set_threads(1)
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
        self._step(examples, rows, learning_rate, self._shares(count(rows)))

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
        n_shares = self._shares(count(rows))
        some = first(rows, PIECE * n_shares)
        for _ in range(3):
            self._step(examples, some, 0.0, n_shares)

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

        Raises
        ------
        ValueError
            If the examples have other columns than those to learn from.
        """
        is_same = np.array_equal(examples.columns, self._columns)
        if not is_same or examples.dense.shape[1] != self._n_dense:
            raise ValueError("examples: found other columns than those that the engine learns from")
        n_examples = len(examples.labels)
        may_overflow = self._may_overflow(examples)
        losses, counts = zip(
            *self._share(
                lambda worker, share: worker.evaluate(examples, share, may_overflow),
                slice(0, n_examples),
                self._shares(n_examples),
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
        n_shares = self._n_shares(n_examples)
        size = n_examples * self._product_of_one if n_examples > 1 else 0
        is_shared = CAN_SHARE_PRODUCTS and not HAS_SMALL_PRODUCTS and size >= MIN_PRODUCT
        return len(self._workers) if n_shares == 1 and is_shared else n_shares

    def _step(
        self, examples: ReadyExamples, rows: Rows, learning_rate: float, n_shares: int
    ) -> None:
        n_rows = count(rows)
        if n_rows == 1:
            index = rows.start if isinstance(rows, slice) else int(rows[0])
            self._workers[0].descend_on_one(examples, index, learning_rate)
            return
        rate = np.float32(-learning_rate / n_rows)
        if n_shares == 1 and n_rows <= PIECE:
            self._workers[0].descend(examples, rows, rate)
            return
        self._share(lambda worker, share: worker.accumulate(examples, share, rate), rows, n_shares)
        w1, w2 = self._weights
        for worker in self._workers[:n_shares]:
            w1 += worker.change.w1
            w2 += worker.change.w2

    def _n_shares(self, n_examples: int) -> int:
        return max(1, min(n_examples // MIN_SHARE, len(self._workers)))

    def _shares(self, n_examples: int) -> int:
        """Tell among how many workers examples are shared; let a single one have BLAS's threads."""
        if len(self._workers) == 1:
            return 1
        n_shares = self._n_shares(n_examples)
        # Each time, for 3 µs: another engine may have set them otherwise.
        set_threads(self.threads_for(n_examples) if n_shares == 1 else 1)
        return n_shares

    def _share(
        self, work: Callable[[Worker, Rows], Result], rows: Rows, n_shares: int
    ) -> list[Result]:
        """Let each of some workers do its share of a batch; give what each returns, in order."""

        def quietly(place: int) -> Result:
            # A network that blows up is a result. A thread has its own mind about warnings.
            with np.errstate(over="ignore", invalid="ignore"):
                return work(self._workers[place], shares[place])

        shares = cut(rows, n_shares)
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
