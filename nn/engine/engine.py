"""The engine: steps and evaluations of a network, by one thread or several."""

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
from nn.network import Floats, Integers, Weights
from nn.rows import Rows, first_rows, row_count, split_rows

CHUNK = 512
"""Most examples in a pass: their inputs and activations fit into the processor's cache."""

MIN_SHARD = 256
"""Fewest examples for each of several threads: with fewer they wait for each other's GIL."""

W2_ORDER: Literal["C", "F"] = "F"
"""Memory order of the second layer's weights: with the longer rows one example is faster."""

FLOAT32_MAX = float(np.finfo(np.float32).max)

Result = TypeVar("Result")


class Engine:
    """Trains and evaluates a network.

    Steps and evaluations must be taken within `with engine.running():`.

    Parameters
    ----------
    weights : Weights
        The initial weights, float32; not changed.
    examples : ReadyExamples
        The training examples. All examples of later calls must have the same columns.
    threads : int
        The number of threads that split the work.
    elementwise : {"numpy", "numexpr"}
        What computes the elementwise functions.
    momentum : float
        See `nn.network.descend`; at least 0, below 1.
    velocity : Weights or None
        See `restore`.

    Raises
    ------
    ValueError
        If the weights are for another number of inputs, or the momentum is out of bounds.
    """

    def __init__(
        self,
        weights: Weights,
        examples: ReadyExamples,
        threads: int = 1,
        elementwise: str = "numpy",
        momentum: float = 0.0,
        velocity: Weights | None = None,
    ) -> None:
        if not 0 <= np.float32(momentum) < 1:
            raise ValueError(f"momentum: found {momentum}, expected at least 0 and below 1")
        if len(weights.w1) != 1 + len(examples.columns):
            raise ValueError(
                f"weights: found those of {len(weights.w1) - 1} inputs, "
                f"expected {len(examples.columns)}"
            )
        self._columns, self._n_dense = examples.columns, examples.dense.shape[1]
        self._order = np.concatenate(([0], 1 + self._columns))
        self._weights = Weights(
            np.empty_like(weights.w1, order="C"), np.empty_like(weights.w2, order=W2_ORDER)
        )
        self._momentum = np.float32(momentum)
        self._velocity = self._zeros() if momentum else None
        self.restore(weights, velocity)
        # Without momentum a step adds its gradient straight to the weights.
        self._into = self._weights if self._velocity is None else self._velocity
        self._elementwise = ELEMENTWISE[elementwise]

        def passes(into: Weights) -> Callable[[int], Pass]:
            """Return a function that prepares a pass once for each number of examples."""
            functions = self._elementwise()
            return functools.cache(
                lambda n_rows: Pass(self._weights, into, n_rows, self._n_dense, functions)
            )

        self._pass = passes(self._into)
        self._pass_of_one = PassOfOne(self._weights, self._into, self._n_dense, self._elementwise())
        self._sums = [self._zeros() for _ in range(threads)]
        self._passes = [passes(each) for each in self._sums]
        self._blas = ThreadpoolController().select(user_api="blas")
        # It starts a thread at its first use.
        self._pool = ThreadPoolExecutor(max(1, threads - 1), initializer=subnormals.flush)

    @property
    def weights(self) -> Weights:
        """The weights now, copied, with the inputs in their own order."""
        return self._in_own_order(self._weights)

    @property
    def velocity(self) -> Weights | None:
        """What the last step added to the weights, a copy as of these; None without momentum."""
        return None if self._velocity is None else self._in_own_order(self._velocity)

    def restore(self, weights: Weights, velocity: Weights | None) -> None:
        """Replace weights and velocity.

        Parameters
        ----------
        weights : Weights
        velocity : Weights or None
            None without momentum, or before the first step.
        """
        self._copy(weights, self._weights)
        if self._velocity is not None:
            self._copy(velocity or self._zeros(), self._velocity)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Compute within the block as steps and evaluations need it.

        Subnormals are flushed in this thread. BLAS and numexpr have one thread each: their own
        threads would not flush. NumPy does not warn of overflow: a network that diverges is a
        result.
        """
        with (
            np.errstate(over="ignore", invalid="ignore"),
            self._blas.limit(limits=1),
            self._elementwise.one_thread(),
            subnormals.flushed(),
        ):
            yield

    def descend(self, examples: ReadyExamples, rows: Rows, learning_rate: float) -> None:
        """Take a step of gradient descent on a mini-batch's mean loss.

        Parameters
        ----------
        examples : ReadyExamples
        rows : slice or ndarray of int
            The mini-batch. The range is not checked.
        learning_rate : float
            Not negative.
        """
        if self._velocity is not None:
            for velocity in self._velocity:
                np.multiply(velocity, self._momentum, out=velocity)
        n_rows = row_count(rows)
        if n_rows == 1:
            index = rows.start if isinstance(rows, slice) else int(rows[0])
            self._pass_of_one.add_gradient(examples, index, -learning_rate)
        else:
            rate = np.float32(-learning_rate / n_rows)
            if n_rows <= CHUNK and self.threads_for(n_rows) == 1:
                self._pass(n_rows).add_gradient(examples, rows, rate)
            else:
                self._add_in_shards(examples, rows, rate)
        if self._velocity is not None:
            _add(self._velocity, self._weights)

    def warm_up(self, examples: ReadyExamples, rows: Rows) -> None:
        """Take warm-up steps on a mini-batch, or on as much of it as a pass takes.

        Evaluation fills the processor's caches with images. Without this, the next step would pay
        for that, and so would its timer.

        Parameters
        ----------
        examples : ReadyExamples
        rows : slice or ndarray of int
            The mini-batch of the next step.
        """
        some = first_rows(rows, CHUNK * self.threads_for(row_count(rows)))
        with self.unchanged():
            for _ in range(3):
                self.descend(examples, some, learning_rate=0.0)

    @contextlib.contextmanager
    def unchanged(self) -> Iterator[None]:
        """Let warm-up steps within the block change nothing.

        Their learning rate is 0: without momentum they change no finite, normal weight. With it,
        weights and velocity are restored.
        """
        if self._velocity is None:
            yield
            return
        before = self.weights, self.velocity
        try:
            yield
        finally:
            self.restore(*before)

    def evaluate(self, examples: ReadyExamples) -> tuple[float, float]:
        """Compute the loss and the accuracy of the network on all examples.

        Parameters
        ----------
        examples : ReadyExamples

        Returns
        -------
        loss : float
            The mean cross-entropy in nats, finite for all finite weights.
        accuracy : float
            The percentage of correctly classified examples, 0 to 100.

        Raises
        ------
        ValueError
            If the examples have other columns than the training examples.
        """
        losses, n_correct = map(sum, zip(*self._judge(examples, network.score), strict=True))
        n_examples = len(examples.labels)
        return losses / n_examples, 100 * n_correct / n_examples

    def losses(self, examples: ReadyExamples) -> Floats:
        """Compute the loss of the network on each of some examples.

        Parameters
        ----------
        examples : ReadyExamples

        Returns
        -------
        ndarray of float64, shape (n_examples,)
            The cross-entropies in nats, finite for all finite weights.

        Raises
        ------
        ValueError
            If the examples have other columns than the training examples.
        """
        return np.concatenate(self._judge(examples, network.cross_entropies))

    def flushes_subnormals(self) -> bool:
        """Return whether all threads of steps and evaluations flush subnormals.

        This is tested in each thread, and by products large enough for the threads of a BLAS that
        cannot be limited to one.
        """
        n_rows = len(self._passes) * MIN_SHARD
        tiny = np.full((n_rows, n_rows), 1e-20, dtype=np.float32)
        products = np.empty_like(tiny), np.empty_like(tiny)
        with self.running():
            np.matmul(tiny, np.float32(0.1) * tiny, out=products[0])
            Product(tiny, np.float32(0.1) * tiny, out=products[1])()
            in_threads = self._in_shards(lambda *_: subnormals.are_flushed(), slice(0, n_rows))
        return all(in_threads) and not any(product.any() for product in products)

    def threads_for(self, n_examples: int) -> int:
        """Return the number of threads that split so many examples.

        Parameters
        ----------
        n_examples : int

        Returns
        -------
        int
        """
        return max(1, min(n_examples // MIN_SHARD, len(self._passes)))

    def _judge(
        self, examples: ReadyExamples, of_logits: Callable[[Floats, Integers], Result]
    ) -> list[Result]:
        """Return what a function finds in the logits and labels of each chunk of the examples."""
        is_same = np.array_equal(examples.columns, self._columns)
        if not is_same or examples.dense.shape[1] != self._n_dense:
            raise ValueError("examples: found other columns than those of the training examples")
        is_small = self._is_small(examples)

        def judge(thread: int, chunk: Rows) -> Result:
            if is_small:
                logits = self._passes[thread](row_count(chunk)).logits(examples, chunk)
            else:
                _, logits = network.forward(examples.inputs(chunk), self._weights)
            return of_logits(logits, examples.labels[chunk])

        def judge_shard(thread: int, shard: Rows) -> list[Result]:
            return [judge(thread, chunk) for chunk in _chunks(shard)]

        shards = self._in_shards(judge_shard, slice(0, len(examples.labels)))
        return list(itertools.chain(*shards))

    def _add_in_shards(self, examples: ReadyExamples, rows: Rows, rate: np.float32) -> None:
        """Sum the gradients of each thread's shard of the rows, then add the sums."""

        def summed(thread: int, shard: Rows) -> Weights:
            for array in self._sums[thread]:
                array.fill(0)
            for chunk in _chunks(shard):
                self._passes[thread](row_count(chunk)).add_gradient(examples, chunk, rate)
            return self._sums[thread]

        for each in self._in_shards(summed, rows):
            _add(each, self._into)

    def _in_shards(self, work: Callable[[int, Rows], Result], rows: Rows) -> list[Result]:
        """Let each thread work on its shard of the rows; return the results in order."""

        def in_another(thread: int, shard: Rows) -> Result:
            with np.errstate(over="ignore", invalid="ignore"):  # each thread has its own
                return work(thread, shard)

        of_this, *others = enumerate(split_rows(rows, self.threads_for(row_count(rows))))
        started = [self._pool.submit(in_another, *other) for other in others]
        return [work(*of_this), *(other.result() for other in started)]

    def _is_small(self, examples: ReadyExamples) -> bool:
        """Return whether all weights are finite, and float32 has room for all sums."""
        w1, w2 = self._weights
        z = _largest(w1) * max(1.0, examples.largest_input) * len(w1)
        logit = _largest(w2) * len(w2)
        return max(z, logit) < FLOAT32_MAX

    def _zeros(self) -> Weights:
        """Return zeros in the shapes and memory orders of the weights."""
        return Weights(*map(np.zeros_like, self._weights))

    def _in_own_order(self, weights: Weights) -> Weights:
        """Return a copy of weights or velocity, with the inputs in their own order."""
        w1 = np.empty_like(weights.w1)
        w1[self._order] = weights.w1
        return Weights(w1, np.array(weights.w2, order="C"))

    def _copy(self, weights: Weights, into: Weights) -> None:
        """Copy weights or velocity, with the inputs in the order of the columns."""
        np.take(weights.w1, self._order, axis=0, out=into.w1)
        into.w2[:] = weights.w2


def _add(weights: Weights, into: Weights) -> None:
    for each, out in zip(weights, into, strict=True):
        np.add(out, each, out=out)


def _largest(array: Floats) -> float:
    """Return the largest absolute value without a temporary array; NaN if there is one."""
    return float(np.maximum(array.max(), -array.min()))


def _chunks(rows: Rows) -> list[Rows]:
    """Split rows into chunks of about the same size."""
    return split_rows(rows, -(-row_count(rows) // CHUNK))
