"""Products with a matrix of which only the numbers other than zero are kept.

They are SciPy's own compiled loops (scipy/sparse/sparsetools/csr.h), which its public sparse arrays
call too; their module is private. Called directly they add in place, and a batch of consecutive
rows costs no copy: else a step takes 1.7 times as long at batch size 32 (`benchmarks.tricks`). They
check nothing, so the arrays must fit.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse._sparsetools import csc_matvecs, csr_matvecs, csr_row_index

from nn.network import Floats
from nn.rows import Rows

_Int32s = npt.NDArray[np.int32]


class SparseRows(NamedTuple):
    """Rows of a sparse matrix, in the compressed format (CSR).

    Attributes
    ----------
    indptr : ndarray of int32, shape (n_rows + 1,)
        Where each row begins in the other two, and where the last one ends.
    indices : ndarray of int32
        The columns of the numbers.
    data : ndarray of float32
        The numbers.
    """

    indptr: _Int32s
    indices: _Int32s
    data: Floats

    def take(self, rows: Rows) -> "SparseRows":
        """Choose some of the rows.

        Parameters
        ----------
        rows : slice or ndarray of int

        Returns
        -------
        SparseRows
            For a slice with the same numbers, not copied.
        """
        indptr, indices, data = self
        if isinstance(rows, slice):
            return SparseRows(indptr[rows.start : rows.stop + 1], indices, data)
        rows = rows.astype(np.int32)
        taken = np.zeros(len(rows) + 1, dtype=np.int32)
        np.cumsum(indptr[rows + 1] - indptr[rows], out=taken[1:])
        some = SparseRows(
            taken, np.empty(taken[-1], dtype=np.int32), np.empty(taken[-1], dtype=np.float32)
        )
        csr_row_index(len(rows), rows, *self, *some[1:])
        return some

    def add_product(self, b: Floats, out: Floats) -> None:
        """Add the product of the rows and `b` to `out`.

        Parameters
        ----------
        b : ndarray of float32, shape (n_columns, m)
        out : ndarray of float32, shape (n_rows, m)
            Both contiguous by rows, else SciPy would copy them.
        """
        csr_matvecs(len(out), len(b), b.shape[1], *self, b, out)

    def add_transposed_product(self, b: Floats, out: Floats) -> None:
        """Add the product of the rows, transposed, and `b` to `out`.

        Parameters
        ----------
        b : ndarray of float32, shape (n_rows, m)
        out : ndarray of float32, shape (n_columns, m)
            Both contiguous by rows.
        """
        # What is compressed by rows is, transposed, compressed by columns.
        csc_matvecs(len(out), len(b), b.shape[1], *self, b, out)


def sparse_rows(matrix: csr_array, factor: float) -> SparseRows:
    """Take a sparse matrix of SciPy's, times a factor.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array
    factor : float

    Returns
    -------
    SparseRows

    Raises
    ------
    ValueError
        If it has more numbers than 32 bits can count.
    """
    if not matrix.indptr.dtype == matrix.indices.dtype == np.int32:
        raise ValueError(f"sparse inputs: found {matrix.nnz} numbers, expected fewer than 2**31")
    data = matrix.data.astype(np.float32) * np.float32(factor)
    return SparseRows(matrix.indptr, matrix.indices, data)
