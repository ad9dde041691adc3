"""The images and labels that a network learns from or is tested on."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from nn.network import Floats, Integers
from nn.ordering import Arranged
from nn.rows import Rows
from nn.sparse import SparseRows, sparse_rows

Scaling = tuple[float, float]
"""Factor and offset: inputs = pixels * factor + offset."""

WHITE = 255


class Examples(NamedTuple):
    """Images with their labels, and how a pixel becomes an input.

    Attributes
    ----------
    images : ndarray of uint8, shape (n_examples, n_inputs)
        May be memory-mapped: only the rows in use are read, and none where they are arranged.
    labels : ndarray of int, shape (n_examples,) or (n_examples, n_classes)
        The right classes, as indices; a trainer takes one-hot rows too.
    scaling : tuple of float
        Factor and offset that turn pixels into inputs.
    arranged : Arranged, optional
        The same images, as `nn.ordering` parts them.
    """

    images: npt.NDArray[np.uint8]
    labels: Integers
    scaling: Scaling = (1.0, 0.0)
    arranged: Arranged | None = None


class ReadyExamples(NamedTuple):
    """Examples as an engine takes them; `ready` makes them.

    Attributes
    ----------
    dense : ndarray of uint8, shape (n_examples, n_dense)
        The pixels of the first columns.
    sparse : SparseRows, of n_examples rows and n_inputs - n_dense columns
        The inputs of the other columns.
    labels : ndarray of int, shape (n_examples,)
        The right classes, as indices.
    scaling : tuple of float
        Factor and offset that turn pixels into inputs.
    columns : ndarray of int, shape (n_inputs,)
        Which input each column is.
    """

    dense: npt.NDArray[np.uint8]
    sparse: SparseRows
    labels: Integers
    scaling: Scaling
    columns: Integers

    @property
    def largest_input(self) -> float:
        """The largest absolute value that an input can have."""
        factor, offset = self.scaling
        return max(abs(offset), abs(WHITE * factor + offset))

    def inputs(self, rows: Rows) -> Floats:
        """Turn the pixels of some images into the network's inputs.

        Parameters
        ----------
        rows : slice or ndarray of int

        Returns
        -------
        ndarray of float32, shape (n_rows, n_inputs)
        """
        dense, sparse = self.dense[rows], self.sparse.take(rows)
        n_dense = dense.shape[1]
        inputs = np.zeros((len(dense), len(self.columns)), dtype=np.float32)
        self.scale(dense, out=inputs[:, :n_dense])
        kept = slice(sparse.indptr[0], sparse.indptr[-1])
        places = np.repeat(np.arange(len(dense)), np.diff(sparse.indptr))
        inputs[places, n_dense + sparse.indices[kept]] = sparse.data[kept]
        return inputs

    def scale(self, pixels: npt.NDArray[np.uint8], out: Floats) -> None:
        """Turn pixels into the network's inputs.

        Parameters
        ----------
        pixels : ndarray of uint8
        out : ndarray of float32, in the shape of `pixels`
            Where to write the inputs.
        """
        factor, offset = self.scaling
        np.copyto(out, pixels)
        if factor != 1:
            out *= np.float32(factor)
        if offset != 0:
            out += np.float32(offset)


def ready(examples: Examples) -> ReadyExamples:
    """Make examples ready for an engine.

    Parameters
    ----------
    examples : Examples

    Returns
    -------
    ReadyExamples
        All columns are dense, in their own order, where the images are not arranged, or where a
        pixel of zero is not an input of zero.

    Raises
    ------
    ValueError
        If the labels are neither class indices nor one-hot rows, or images, labels and what they
        are arranged as do not fit together.
    """
    images, labels, (factor, offset), arranged = examples
    if arranged is None or offset != 0:
        n_examples, n_inputs = images.shape
        arranged = Arranged(np.arange(n_inputs), images, csr_array((n_examples, 0), dtype=np.uint8))
    columns, dense, sparse = arranged
    indices = class_indices(labels)
    if not len(dense) == sparse.shape[0] == len(indices):
        raise ValueError(
            f"examples: found {len(dense)} images, {sparse.shape[0]} of their sparse parts and "
            f"{len(indices)} labels, expected as many of each"
        )
    if sorted(columns) != list(range(dense.shape[1] + sparse.shape[1])):
        raise ValueError(
            f"examples: found {dense.shape[1]} dense and {sparse.shape[1]} sparse columns, whose "
            f"order does not have each once"
        )
    return ReadyExamples(
        np.asarray(dense),  # not as a memory map: NumPy is slower with the subclass
        sparse_rows(sparse, factor),
        indices,
        examples.scaling,
        np.asarray(columns),
    )


def scaling(kind: str, training_images: npt.NDArray[np.uint8]) -> Scaling:
    """Find the scaling that a configuration names.

    Parameters
    ----------
    kind : {"raw", "unit", "standardized"}
        `raw` keeps the pixels 0 to 255, as the chapter does; `unit` maps them to 0 to 1;
        `standardized` gives the training images' pixels mean 0 and standard deviation 1.
    training_images : ndarray of uint8, shape (n_examples, n_inputs)
        Test images are scaled by the training images' statistics too.

    Returns
    -------
    tuple of float
        Factor and offset.

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
        # From the histogram: exact, and one pass over 47 MB instead of one over 188 MB of floats.
        counts = np.bincount(training_images.reshape(-1), minlength=WHITE + 1)
        pixels = np.arange(WHITE + 1)
        mean = float(counts @ pixels) / training_images.size
        deviation = (float(counts @ (pixels - mean) ** 2) / training_images.size) ** 0.5
        # Images without any contrast have nothing to learn from, and nothing to divide by.
        factor = 1 / deviation if deviation > 0 else 1.0
        return factor, -mean * factor
    raise ValueError(f"inputs: found {kind!r}, expected raw, unit or standardized")


def class_indices(labels: npt.NDArray[np.generic]) -> Integers:
    """Take labels as class indices or one-hot rows; give class indices.

    Parameters
    ----------
    labels : ndarray, shape (n_examples,) of int or (n_examples, n_classes) of 0 and 1

    Returns
    -------
    ndarray of int, shape (n_examples,)

    Raises
    ------
    ValueError
        If `labels` has another number of dimensions, or a row without exactly one 1.
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
