"""An order of the columns that splits them into dense and sparse ones.

Most pixels of a digit are zero, and a product with zero adds nothing. Some columns, in the middle,
are seldom zero, others nearly always. With the columns in order of that, the first ones make a
matrix for BLAS, and of the rest only the pixels that are not zero are kept and multiplied.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from nn.network import Integers

Pixels = npt.NDArray[np.uint8]

DENSE = 0.1
"""The share of nonzeros from which on a column is dense: 343 of MNIST's 784."""


class Columns(NamedTuple):
    """The columns of images in order.

    Attributes
    ----------
    order : ndarray of int, shape (n_inputs,)
        Which column comes where; the dense ones first.
    n_dense : int
        How many are dense.
    """

    order: Integers
    n_dense: int


class Arranged(NamedTuple):
    """Images as an engine likes them.

    Attributes
    ----------
    columns : ndarray of int, shape (n_inputs,)
        Which input each column is: the dense ones, then the sparse ones.
    dense : ndarray of uint8, shape (n_examples, n_dense)
        The dense columns.
    sparse : scipy.sparse.csr_array of uint8, shape (n_examples, n_inputs - n_dense)
        The sparse columns: of each example the pixels that are not zero.
    """

    columns: Integers
    dense: Pixels
    sparse: csr_array


def order_columns(images: Pixels) -> Columns:
    """Order the columns by how often they are not zero, most often first.

    Parameters
    ----------
    images : ndarray of uint8, shape (n_examples, n_inputs)

    Returns
    -------
    Columns
        Those that are equally often not zero keep their order.
    """
    counts = np.count_nonzero(images, axis=0)
    return Columns(
        np.argsort(-counts, kind="stable"), int(np.count_nonzero(counts >= DENSE * len(images)))
    )


def arrange(images: Pixels, columns: Columns) -> Arranged:
    """Split images into their dense and their sparse columns.

    Parameters
    ----------
    images : ndarray of uint8, shape (n_examples, n_inputs)
    columns : Columns
        From `order_columns`, of the training images for test images too.

    Returns
    -------
    Arranged
    """
    order, n_dense = columns
    dense = np.ascontiguousarray(images[:, order[:n_dense]])
    return Arranged(order, dense, csr_array(images[:, order[n_dense:]]))
