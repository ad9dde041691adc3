"""The images and labels that a network is trained or tested on."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nn.network import Integers
from nn.ordering import Arranged

PixelScaling = tuple[float, float]
"""Factor and offset: inputs = pixels * factor + offset."""

WHITE = 255


class Examples(NamedTuple):
    """Images with their labels, and the scaling of their pixels.

    Attributes
    ----------
    images : ndarray of uint8, shape (n_examples, n_inputs)
        May be memory-mapped: only the rows in use are read.
    labels : ndarray of int, shape (n_examples,) or (n_examples, n_classes)
        The true classes, as indices or one-hot rows.
    pixel_scaling : tuple of float
        Factor and offset that turn pixels into inputs.
    arranged : Arranged, optional
        The same images, split by `nn.ordering`.
    """

    images: npt.NDArray[np.uint8]
    labels: Integers
    pixel_scaling: PixelScaling = (1.0, 0.0)
    arranged: Arranged | None = None

    def take(self, rows: Integers) -> "Examples":
        """Return the examples of some rows, copied.

        Parameters
        ----------
        rows : ndarray of int
        """
        arranged = self.arranged
        if arranged is not None:
            columns, dense, sparse = arranged
            arranged = Arranged(columns, dense[rows], sparse[rows])
        return self._replace(images=self.images[rows], labels=self.labels[rows], arranged=arranged)


def pixel_scaling(kind: str, training_images: npt.NDArray[np.uint8]) -> PixelScaling:
    """Return the factor and offset of a kind of inputs.

    Parameters
    ----------
    kind : {"raw", "unit", "standardized"}
        `raw` keeps the pixels, 0 to 255, as the chapter does; `unit` maps them to 0 to 1;
        `standardized` gives the training images' pixels mean 0 and standard deviation 1.
    training_images : ndarray of uint8, shape (n_examples, n_inputs)
        Test images are scaled by these statistics too.

    Returns
    -------
    PixelScaling

    Raises
    ------
    ValueError
        If `kind` is not one of the three.
    """
    if kind == "raw":
        return 1.0, 0.0
    if kind == "unit":
        return 1 / WHITE, 0.0
    if kind == "standardized":
        # From the histogram: exact, and no copy in floats.
        counts = np.bincount(training_images.reshape(-1), minlength=WHITE + 1)
        pixels = np.arange(WHITE + 1)
        mean = float(counts @ pixels) / training_images.size
        deviation = (float(counts @ (pixels - mean) ** 2) / training_images.size) ** 0.5
        # Images without contrast have no deviation to divide by.
        factor = 1 / deviation if deviation > 0 else 1.0
        return factor, -mean * factor
    raise ValueError(f"inputs: found {kind!r}, expected raw, unit or standardized")


def class_indices(labels: npt.NDArray[np.generic]) -> Integers:
    """Return labels as class indices.

    Parameters
    ----------
    labels : ndarray, shape (n_examples,) of int or (n_examples, n_classes) of 0 and 1
        Class indices or one-hot rows.

    Returns
    -------
    ndarray of int, shape (n_examples,)

    Raises
    ------
    ValueError
        If the labels are neither.
    """
    if labels.ndim == 1 and np.issubdtype(labels.dtype, np.integer):
        return labels.astype(np.intp)
    if labels.ndim == 2:
        hot = labels == 1
        if bool((hot | (labels == 0)).all()) and bool((hot.sum(axis=1) == 1).all()):
            indices: Integers = hot.argmax(axis=1)
            return indices
    raise ValueError(
        f"labels: found {labels.dtype} with shape {labels.shape}, "
        f"expected integers in one dimension or rows of 0 and exactly one 1"
    )
