"""Estimates of the loss over all images, from a random sample of them.

From one step to another most images' losses change little, so the mean change over the sample is
near that over all images: the difference estimator of survey sampling (Cochran, Sampling
Techniques, 3rd edition, 1977, chapter 7). Its error follows from the scatter of the changes.
"""

import math
from typing import NamedTuple

import numpy as np

from nn.network import Floats, Integers

SAMPLE = 5000
"""Images in a sample."""

DEVIATIONS = 5
"""The error, in standard deviations: one estimate in three million is further above the loss."""

ROUNDING = 1e-4
"""The error besides, as a share of the loss, by rounding of float32."""


class Estimate(NamedTuple):
    """An estimate of the loss over all images, in nats.

    Attributes
    ----------
    loss : float
    error : float
        By how much the loss may be lower.
    """

    loss: float
    error: float


class Estimator:
    """Estimates the loss from the losses of a sample.

    Parameters
    ----------
    n_examples : int
        All images.

    Attributes
    ----------
    rows : ndarray of int
        Those of the sample, in order. They are random: MNIST's images come from two sources by
        turns, so that each twelfth one, say, is of the harder source.
    """

    def __init__(self, n_examples: int) -> None:
        size = min(SAMPLE, n_examples)
        random = np.random.default_rng(0)
        self.rows: Integers = np.sort(random.choice(n_examples, size, replace=False))
        self._left_out = 1 - size / n_examples
        self._loss = math.nan
        self._sample_losses = np.full(size, math.nan)

    def begin_from(self, loss: float, sample_losses: Floats) -> None:
        """Begin from a known loss over all images, and the sample's losses at the same step.

        Parameters
        ----------
        loss : float
        sample_losses : ndarray of float64, shape (n_rows,)
        """
        self._loss, self._sample_losses = loss, sample_losses

    def estimate(self, sample_losses: Floats) -> Estimate:
        """Estimate the loss from the sample's losses; NaN where one of those was not finite.

        Parameters
        ----------
        sample_losses : ndarray of float64, shape (n_rows,)
        """
        with np.errstate(over="ignore", invalid="ignore"):
            changes = sample_losses - self._sample_losses
            loss = self._loss + float(np.mean(changes))
            deviation = float(np.std(changes)) * math.sqrt(self._left_out / len(changes))
        return Estimate(loss, DEVIATIONS * deviation + ROUNDING * abs(loss))
