"""Examples as an engine takes them: dense columns for BLAS, nonzeros of the sparse ones."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from nn.engine.sparse import SparseRows, sparse_rows
from nn.examples import WHITE, Examples, PixelScaling, class_indices
from nn.network import Floats, Integers
from nn.ordering import Arranged
from nn.rows import Rows

Pixels = npt.NDArray[np.uint8]


class ReadyExamples(NamedTuple):
    """Examples as an engine takes them; `ready` makes them.

    Attributes
    ----------
    images : ndarray of uint8, shape (n_examples, n_inputs)
        All pixels, the columns in their own order.
    dense : ndarray of uint8, shape (n_examples, n_dense)
        The pixels in the dense columns.
    sparse : SparseRows, of n_examples rows and n_inputs - n_dense columns
        The inputs in the sparse columns.
    labels : ndarray of int, shape (n_examples,)
        The true classes, as indices.
    pixel_scaling : tuple of float
        Factor and offset that turn pixels into inputs.
    columns : ndarray of int, shape (n_inputs,)
        The input in each column: the dense columns, then the sparse ones.
    """

    images: Pixels
    dense: Pixels
    sparse: SparseRows
    labels: Integers
    pixel_scaling: PixelScaling
    columns: Integers

    @property
    def largest_input(self) -> float:
        """The largest absolute value that an input can have."""
        factor, offset = self.pixel_scaling
        return max(abs(offset), abs(WHITE * factor + offset))

    def inputs(self, rows: Rows) -> Floats:
        """Return the inputs of some examples.

        Parameters
        ----------
        rows : slice or ndarray of int

        Returns
        -------
        ndarray of float32, shape (n_rows, n_inputs)
            In the order of `columns`.
        """
        factor, offset = map(np.float32, self.pixel_scaling)
        return self.images[rows][:, self.columns] * factor + offset


def ready(examples: Examples) -> ReadyExamples:
    """Return examples as an engine takes them.

    Parameters
    ----------
    examples : Examples

    Returns
    -------
    ReadyExamples
        Where the images are not arranged, or a pixel of zero is not an input of zero, all columns
        are dense, in their own order.

    Raises
    ------
    ValueError
        If the labels are neither class indices nor one-hot rows, or images, arranged images and
        labels do not fit together.
    """
    images, labels, (factor, offset), arranged = examples
    if arranged is None or offset != 0:
        n_examples, n_inputs = images.shape
        arranged = Arranged(np.arange(n_inputs), images, csr_array((n_examples, 0), dtype=np.uint8))
    columns, dense, sparse = arranged
    indices = class_indices(labels)
    if not len(images) == len(dense) == sparse.shape[0] == len(indices):
        raise ValueError(
            f"examples: found {len(images)} images, {len(dense)} and {sparse.shape[0]} of their "
            f"dense and sparse parts and {len(indices)} labels, expected as many of each"
        )
    if not dense.shape[1] + sparse.shape[1] == images.shape[1] == len(columns) or (
        sorted(columns) != list(range(len(columns)))
    ):
        raise ValueError(
            f"examples: found {dense.shape[1]} dense and {sparse.shape[1]} sparse columns of "
            f"{images.shape[1]}, expected an order that has each once"
        )
    return ReadyExamples(
        # Without the subclass for memory maps, which slows NumPy down.
        np.asarray(images),
        np.asarray(dense),
        sparse_rows(sparse, factor),
        indices,
        examples.pixel_scaling,
        np.asarray(columns),
    )
