"""The problem of all engines: the same initial weights, images and learning rate."""

import contextlib
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from nn.initializers import nx
from nn.network import Weights


class Images(NamedTuple):
    """Images and their classes.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (n_examples, n_inputs)
    labels : ndarray of uint8, shape (n_examples,)
    """

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]

    def inputs(self, factor: float) -> npt.NDArray[np.float32]:
        """Return the pixels times the factor, as floats, which peers take."""
        return self.pixels * np.float32(factor)


class Problem(NamedTuple):
    """A network to train; its inputs are the pixels, 0 to 255, times `factor`.

    `prepared` is the folder of the workflow's rule `prepare`, if there is one.
    """

    training: Images
    test: Images
    weights: Weights
    threads: int
    learning_rate: float = 0.01
    factor: float = 1.0
    prepared: Path | None = None


class Engine(Protocol):
    """The methods of each engine."""

    def running(self) -> contextlib.AbstractContextManager[None]:
        """Compute within the block as steps and evaluations need it; both are called within."""

    def flushes_subnormals(self) -> bool:
        """Return whether the engine flushes subnormals to zero."""

    def prepare(self, batch_size: int, n_batches: int) -> None:
        """Prepare the first consecutive batches of a size as the engine is fastest with them."""

    def step(self, index: int) -> None:
        """Take a step on one of these batches; return when it is complete."""

    def evaluate(self) -> tuple[float, float]:
        """Compute the loss over all training images and the accuracy on all test images."""

    def weights(self) -> Weights:
        """Return the weights now."""


def real(parsed: Path, prepared: Path, threads: int) -> Problem:
    """Return the problem of a dataset that the workflow has parsed and prepared."""

    def opened(part: str) -> Images:
        pixels = np.load(parsed / f"{part}_images.npy", mmap_mode="r")
        return Images(pixels, np.load(parsed / f"{part}_labels.npy"))

    training = opened("train")
    weights = _initial_weights(training)
    return Problem(training, opened("test"), weights, threads, prepared=prepared)


def trained(problem: Problem, path: Path) -> Problem:
    """Return a problem with weights that were trained on it; see `benchmarks.late`."""
    with np.load(path) as arrays:
        return problem._replace(weights=Weights(arrays["w1"], arrays["w2"]))


def dense(threads: int) -> Problem:
    """Return a problem of random images without a pixel of zero: no product can be skipped."""
    random = np.random.default_rng(0)
    images = Images(
        random.integers(1, 256, (3200, 784), dtype=np.uint8),
        random.integers(0, 10, 3200, dtype=np.uint8),
    )
    return Problem(images, images, _initial_weights(images), threads)


def _initial_weights(images: Images) -> Weights:
    return nx(1234, (1 + images.pixels.shape[1], 200), (201, 10))
