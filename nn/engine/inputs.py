"""Examples as an engine takes them: dense columns for BLAS, nonzeros of the sparse ones."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from nn.engine.sparse import SparseRows, sparse_rows
from nn.examples import WHITE, Examples, Scaling, class_indices
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
        The pixels of the dense columns.
    sparse : SparseRows, of n_examples rows and n_inputs - n_dense columns
        The inputs of the sparse columns.
    labels : ndarray of int, shape (n_examples,)
        The right classes, as indices.
    scaling : tuple of float
        Factor and offset that turn pixels into inputs.
    columns : ndarray of int, shape (n_inputs,)
        Which input each column is: the dense ones, then the sparse ones.
    """

    images: Pixels
    dense: Pixels
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
            In the order of `columns`.
        """
        factor, offset = map(np.float32, self.scaling)
        return self.images[rows][:, self.columns] * factor + offset


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
            f"{images.shape[1]}, whose order does not have each once"
        )
    return ReadyExamples(
        # Not as memory maps: NumPy is slower with the subclass.
        np.asarray(images),
        np.asarray(dense),
        sparse_rows(sparse, factor),
        indices,
        examples.scaling,
        np.asarray(columns),
    )
