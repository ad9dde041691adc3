"""The engine: weights that are moved and measured, by one thread or several."""

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from nn import network
from nn.engine import subnormals
from nn.engine.elementwise import ELEMENTWISE
from nn.engine.inputs import ReadyExamples
from nn.engine.passes import Pass, PassOfOne
from nn.engine.products import Product
from nn.network import Floats, Weights
from nn.rows import Rows, count, cut, first

CHUNK = 512
"""Examples worked on at once: 0.7 MB of dense inputs, 0.4 MB of activations."""

MIN_SHARD = 256
"""Fewer examples for each thread are not worth waking another: the two would wait for each other to
release the GIL."""

W2_ORDER: Literal["C", "F"] = "F"
"""The weights of the second layer lie by classes: in rows that long one example is faster."""

FLOAT32_MAX = float(np.finfo(np.float32).max)

Result = TypeVar("Result")


class Engine:
    """Moves and measures the weights of a network.

    Steps and evaluations belong into `with engine.running():`.

    Parameters
    ----------
    weights : Weights
        Where to start, float32; not changed.
    examples : ReadyExamples
        Those to learn from. All that the engine is given later must have their columns.
    threads : int
        How many share the work.
    elementwise : {"numpy", "numexpr"}
        What computes the elementwise functions.

    Raises
    ------
    ValueError
        If the weights are not for so many inputs.
    """

    def __init__(
        self,
        weights: Weights,
        examples: ReadyExamples,
        threads: int = 1,
        elementwise: str = "numpy",
    ) -> None:
        if len(weights.w1) != 1 + len(examples.columns):
            raise ValueError(
                f"weights: found those of {len(weights.w1) - 1} inputs, "
                f"expected {len(examples.columns)}"
            )
        self._columns, self._n_dense = examples.columns, examples.dense.shape[1]
        self._order = np.concatenate(([0], 1 + self._columns))
        w2 = np.array(weights.w2, order=W2_ORDER)
        self._weights = Weights(weights.w1[self._order], w2)
        self._elementwise = ELEMENTWISE[elementwise]

        def passes(into: Weights) -> Callable[[int], Pass]:
            """Prepare a pass for each number of examples: the same are wanted again and again."""
            functions = self._elementwise()
            return functools.cache(
                lambda n_rows: Pass(self._weights, into, n_rows, self._n_dense, functions)
            )

        self._pass = passes(self._weights)
        self._pass_of_one = PassOfOne(self._weights, self._n_dense, self._elementwise())
        self._changes = [Weights(*map(np.zeros_like, self._weights)) for _ in range(threads)]
        self._passes = [passes(change) for change in self._changes]
        self._blas = ThreadpoolController().select(user_api="blas")
        # Starts a thread when it needs one.
        self._pool = ThreadPoolExecutor(max(1, threads - 1), initializer=subnormals.flush)

    @property
    def weights(self) -> Weights:
        """The weights now, a copy, with the inputs in their own order."""
        w1 = np.empty_like(self._weights.w1)
        w1[self._order] = self._weights.w1
        return Weights(w1, np.array(self._weights.w2, order="C"))

    @weights.setter
    def weights(self, weights: Weights) -> None:
        np.take(weights.w1, self._order, axis=0, out=self._weights.w1)
        self._weights.w2[:] = weights.w2

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Set what steps and evaluations need, and restore it afterwards.

        Subnormals are flushed in this thread. BLAS and numexpr have one thread each: those of their
        own that exist already would not flush. NumPy does not warn of overflow: a network that
        diverges is a result.
        """
        with (
            np.errstate(over="ignore", invalid="ignore"),
            self._blas.limit(limits=1),
            self._elementwise.one_thread(),
            subnormals.flushed(),
        ):
            yield

    def descend(self, examples: ReadyExamples, rows: Rows, learning_rate: float) -> None:
        """Move the weights one step against the gradient of a batch's mean loss.

        Parameters
        ----------
        examples : ReadyExamples
        rows : slice or ndarray of int
            The batch. Whether they are in range is not checked.
        learning_rate : float
            Not negative.
        """
        n_rows = count(rows)
        if n_rows == 1:
            index = rows.start if isinstance(rows, slice) else int(rows[0])
            self._pass_of_one.add_gradient(examples, index, -learning_rate)
            return
        rate = np.float32(-learning_rate / n_rows)
        if n_rows <= CHUNK and self.threads_for(n_rows) == 1:
            self._pass(n_rows).add_gradient(examples, rows, rate)
        else:
            self._descend_by_changes(examples, rows, rate)

    def warm_up(self, examples: ReadyExamples, rows: Rows) -> None:
        """Take warm-up steps, or parts of them: at rate 0, which changes no finite, normal weight.

        Evaluation leaves the processor's caches full of images. The next step would pay for that,
        and so evaluation would be on the clock after all.

        Parameters
        ----------
        examples : ReadyExamples
        rows : slice or ndarray of int
            The batch of the step to come.
        """
        some = first(rows, CHUNK * self.threads_for(count(rows)))
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

        Raises
        ------
        ValueError
            If the examples have other columns than those to learn from.
        """
        is_same = np.array_equal(examples.columns, self._columns)
        if not is_same or examples.dense.shape[1] != self._n_dense:
            raise ValueError("examples: found other columns than those that the engine learns from")
        is_small = self._is_small(examples)

        def score(thread: int, chunk: Rows) -> tuple[float, int]:
            if is_small:
                return self._passes[thread](count(chunk)).evaluate(examples, chunk)
            _, logits = network.forward(examples.inputs(chunk), self._weights)
            return network.score(logits, examples.labels[chunk])

        def scores(thread: int, shard: Rows) -> list[tuple[float, int]]:
            return [score(thread, chunk) for chunk in _chunks(shard)]

        n_examples = len(examples.labels)
        found = itertools.chain(*self._share(scores, slice(0, n_examples)))
        losses, n_right = map(sum, zip(*found, strict=True))
        return losses / n_examples, 100 * n_right / n_examples

    def flushes_subnormals(self) -> bool:
        """Return whether all that steps and evaluations compute with takes subnormals for zero.

        Found by computing: in each thread, and by products that are large enough to be shared, as
        not every BLAS can be told to have one thread.
        """
        n_rows = len(self._passes) * MIN_SHARD
        tiny = np.full((n_rows, n_rows), 1e-20, dtype=np.float32)
        products = np.empty_like(tiny), np.empty_like(tiny)
        with self.running():
            np.matmul(tiny, np.float32(0.1) * tiny, out=products[0])
            Product(tiny, np.float32(0.1) * tiny, out=products[1])()
            in_threads = self._share(lambda *_: subnormals.are_flushed(), slice(0, n_rows))
        return all(in_threads) and not any(product.any() for product in products)

    def threads_for(self, n_examples: int) -> int:
        """Return how many threads share the work on so many examples.

        Parameters
        ----------
        n_examples : int

        Returns
        -------
        int
        """
        return max(1, min(n_examples // MIN_SHARD, len(self._passes)))

    def _descend_by_changes(self, examples: ReadyExamples, rows: Rows, rate: np.float32) -> None:
        """Let each thread add up its change by a shard of the rows, then add all to the weights."""

        def change(thread: int, shard: Rows) -> Weights:
            for array in self._changes[thread]:
                array.fill(0)
            for chunk in _chunks(shard):
                self._passes[thread](count(chunk)).add_gradient(examples, chunk, rate)
            return self._changes[thread]

        for w1, w2 in self._share(change, rows):
            np.add(self._weights.w1, w1, out=self._weights.w1)
            np.add(self._weights.w2, w2, out=self._weights.w2)

    def _share(self, work: Callable[[int, Rows], Result], rows: Rows) -> list[Result]:
        """Let each thread do its shard of some rows; return what each returned, in order."""

        def in_another(thread: int, shard: Rows) -> Result:
            with np.errstate(over="ignore", invalid="ignore"):  # each thread has its own
                return work(thread, shard)

        of_this, *others = enumerate(cut(rows, self.threads_for(count(rows))))
        started = [self._pool.submit(in_another, *other) for other in others]
        return [work(*of_this), *(other.result() for other in started)]

    def _is_small(self, examples: ReadyExamples) -> bool:
        """Return whether all weights are finite, and float32 has room for all sums."""
        w1, w2 = self._weights
        z = _largest(w1) * max(1.0, examples.largest_input) * len(w1)
        logit = _largest(w2) * len(w2)
        return max(z, logit) < FLOAT32_MAX


def _largest(array: Floats) -> float:
    """Return the largest absolute value, without another array; NaN if there is one."""
    return float(np.maximum(array.max(), -array.min()))


def _chunks(rows: Rows) -> list[Rows]:
    """Split rows into chunks of about the same size."""
    return cut(rows, -(-count(rows) // CHUNK))
