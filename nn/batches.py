"""The mini-batch of each step of gradient descent."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from nn.rows import Rows

Leftover = Literal["repeat", "keep", "drop"]


@dataclass
class MiniBatches:
    """The endless sequence of mini-batches, epoch after epoch.

    A batch is a function of its step alone, so training resumes from any step without a random
    state.

    Attributes
    ----------
    n_examples : int
    batch_size : int
        1 to `n_examples`.
    leftover : {"repeat", "keep", "drop"}
        What to do with an epoch's last batch if the examples do not fill it: `repeat` fills it
        from the epoch's start (as Nx.to_batched does, and so the chapter), `keep` leaves it
        small, `drop` leaves it out.
    shuffle : bool
        Whether each epoch has its own random order.
    seed : int
        The seed of those orders.

    Raises
    ------
    ValueError
        If `batch_size` is out of bounds.
    """

    n_examples: int
    batch_size: int
    leftover: Leftover = "repeat"
    shuffle: bool = False
    seed: int = 0
    _order: tuple[int, npt.NDArray[np.intp]] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= self.n_examples:
            raise ValueError(
                f"batch_size: found {self.batch_size}, expected 1 to the {self.n_examples} examples"
            )

    @property
    def per_epoch(self) -> int:
        """The number of batches in an epoch."""
        whole, rest = divmod(self.n_examples, self.batch_size)
        return whole + 1 if rest and self.leftover != "drop" else whole

    def rows(self, step: int) -> Rows:
        """Return the examples of a step's batch.

        Parameters
        ----------
        step : int
            From 0.

        Returns
        -------
        slice or ndarray of int, shape (n_rows,)
        """
        epoch, batch = divmod(step, self.per_epoch)
        start = batch * self.batch_size
        stop = min(start + self.batch_size, self.n_examples)
        missing = start + self.batch_size - stop if self.leftover == "repeat" else 0
        if self.shuffle and self.batch_size < self.n_examples:  # the order of all is irrelevant
            order = self._epoch_order(epoch)
            return np.concatenate((order[start:stop], order[:missing]))
        if missing:
            return np.concatenate((np.arange(start, stop), np.arange(missing)))
        return slice(start, stop)

    def examples_after(self, steps: int) -> int:
        """Return the number of examples in the first steps, repeated ones included."""
        if self.leftover != "keep":
            return steps * self.batch_size
        epochs, batches = divmod(steps, self.per_epoch)
        return epochs * self.n_examples + batches * self.batch_size

    def _epoch_order(self, epoch: int) -> npt.NDArray[np.intp]:
        if self._order is None or self._order[0] != epoch:
            random = np.random.default_rng((self.seed, epoch))
            self._order = (epoch, random.permutation(self.n_examples))
        return self._order[1]
