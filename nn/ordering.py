"""An order of the columns that splits them into dense and sparse ones.

Most pixels of a digit are zero, and a product with zero adds nothing. Columns in the middle are
seldom zero, those at the edge nearly always. In that order, the first columns make a matrix for
BLAS; of the others only the nonzeros are kept and multiplied.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from nn.network import Integers

Pixels = npt.NDArray[np.uint8]

DENSE = 0.1
"""The share of nonzeros from which a column is dense."""


class Columns(NamedTuple):
    """The columns of images in order.

    Attributes
    ----------
    order : ndarray of int, shape (n_inputs,)
        The columns in order, the dense ones first.
    n_dense : int
        The number of dense columns.
    """

    order: Integers
    n_dense: int


class Arranged(NamedTuple):
    """Images split into dense and sparse columns.

    Attributes
    ----------
    columns : ndarray of int, shape (n_inputs,)
        The input in each column: the dense columns, then the sparse ones.
    dense : ndarray of uint8, shape (n_examples, n_dense)
        The dense columns.
    sparse : scipy.sparse.csr_array of uint8, shape (n_examples, n_inputs - n_dense)
        The nonzeros in the sparse columns.
    """

    columns: Integers
    dense: Pixels
    sparse: csr_array


def order_columns(images: Pixels) -> Columns:
    """Return the columns by their number of nonzeros, the largest first.

    Parameters
    ----------
    images : ndarray of uint8, shape (n_examples, n_inputs)

    Returns
    -------
    Columns
        Columns with equal numbers keep their order.
    """
    counts = np.count_nonzero(images, axis=0)
    return Columns(
        np.argsort(-counts, kind="stable"), int(np.count_nonzero(counts >= DENSE * len(images)))
    )


def arrange(images: Pixels, columns: Columns) -> Arranged:
    """Return images split into dense and sparse columns.

    Parameters
    ----------
    images : ndarray of uint8, shape (n_examples, n_inputs)
    columns : Columns
        Those of the training images, for test images too.

    Returns
    -------
    Arranged
    """
    order, n_dense = columns
    dense = np.ascontiguousarray(images[:, order[:n_dense]])
    return Arranged(order, dense, csr_array(images[:, order[n_dense:]]))
