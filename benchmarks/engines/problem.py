"""What all engines are given: the same first weights, images and learning rate."""

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
        """Turn the pixels into what peers take, floats."""
        return self.pixels * np.float32(factor)


class Problem(NamedTuple):
    """A network to train; its inputs are the pixels, 0 to 255, times a factor.

    `prepared` is the folder that the workflow's rule `prepare` fills, where there is one.
    """

    training: Images
    test: Images
    weights: Weights
    threads: int
    learning_rate: float = 0.01
    factor: float = 1.0
    prepared: Path | None = None


class Engine(Protocol):
    """What each engine can do."""

    def running(self) -> contextlib.AbstractContextManager[None]:
        """Set what steps and evaluations need; they are only asked for within."""

    def flushes_subnormals(self) -> bool:
        """Return whether the engine takes subnormals for zero."""

    def prepare(self, batch_size: int, n_batches: int) -> None:
        """Make the first consecutive batches of that size ready, as the engine likes them best."""

    def step(self, place: int) -> None:
        """Take a step on one of those batches; return when it is taken."""

    def evaluate(self) -> tuple[float, float]:
        """Compute the loss over all training images and the accuracy on all test images."""

    def weights(self) -> Weights:
        """Return the weights now."""


def real(parsed: Path, prepared: Path, threads: int) -> Problem:
    """Open a dataset that the workflow has parsed and prepared."""

    def opened(part: str) -> Images:
        pixels = np.load(parsed / f"{part}_images.npy", mmap_mode="r")
        return Images(pixels, np.load(parsed / f"{part}_labels.npy"))

    training = opened("train")
    weights = _first_weights(training)
    return Problem(training, opened("test"), weights, threads, prepared=prepared)


def trained(problem: Problem, path: Path) -> Problem:
    """Give a problem the weights that were trained on it; see `benchmarks.late`."""
    with np.load(path) as arrays:
        return problem._replace(weights=Weights(arrays["w1"], arrays["w2"]))


def dense(threads: int) -> Problem:
    """Draw images without a single pixel of zero: there is nothing to skip."""
    random = np.random.default_rng(0)
    images = Images(
        random.integers(1, 256, (3200, 784), dtype=np.uint8),
        random.integers(0, 10, 3200, dtype=np.uint8),
    )
    return Problem(images, images, _first_weights(images), threads)


def _first_weights(images: Images) -> Weights:
    return nx(1234, (1 + images.pixels.shape[1], 200), (201, 10))
