"""Products with a sparse matrix, of which only the nonzeros are kept.

They are the compiled loops (scipy/sparse/sparsetools/csr.h) that SciPy's public sparse arrays call.
Called directly, they add in place and do not copy consecutive rows. Their module is private: where
a SciPy release has moved it, the slower public arrays replace it.
"""

from types import ModuleType
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from nn.network import Floats, Integers
from nn.rows import Rows


def _find_loops() -> ModuleType | None:
    """Return the module of SciPy's compiled loops, if it is that of SciPy 1.15 to 1.18."""
    try:
        from scipy.sparse import _sparsetools
    except ImportError:
        return None
    names = ("csr_matvecs", "csc_matvecs", "csr_row_index")
    return _sparsetools if all(hasattr(_sparsetools, name) for name in names) else None


LOOPS = _find_loops()


class SparseRows(NamedTuple):
    """Rows of a sparse matrix, in the compressed format (CSR).

    The arrays must fit together: the compiled loops do not check them.

    Attributes
    ----------
    indptr : ndarray of int, shape (n_rows + 1,)
        The start of each row in the other two, and the end of the last row.
    indices : ndarray of int
        The columns of the nonzeros.
    data : ndarray of float32
        The nonzeros.
    """

    indptr: Integers
    indices: Integers
    data: Floats

    def take(self, rows: Rows) -> "SparseRows":
        """Return some of the rows.

        Parameters
        ----------
        rows : slice or ndarray of int

        Returns
        -------
        SparseRows
            Those of a slice share their nonzeros with this matrix.
        """
        indptr, indices, data = self
        if isinstance(rows, slice):
            return SparseRows(indptr[rows.start : rows.stop + 1], indices, data)
        if LOOPS is None:
            chosen = self._public(1 + int(indices.max(initial=-1)))[rows]
            return SparseRows(chosen.indptr, chosen.indices, chosen.data)
        rows = rows.astype(np.int32)
        taken = np.zeros(len(rows) + 1, dtype=np.int32)
        np.cumsum(indptr[rows + 1] - indptr[rows], out=taken[1:])
        some = SparseRows(
            taken, np.empty(taken[-1], dtype=np.int32), np.empty(taken[-1], dtype=np.float32)
        )
        LOOPS.csr_row_index(len(rows), rows, *self, *some[1:])
        return some

    def add_product(self, b: Floats, out: Floats) -> None:
        """Add the product of the rows and `b` to `out`.

        Parameters
        ----------
        b : ndarray of float32, shape (n_columns, m)
        out : ndarray of float32, shape (n_rows, m)

        Raises
        ------
        ValueError
            If the number of rows differs, or `out` is not contiguous: SciPy would add to a copy.
        """
        self._check(len(out), out)
        if LOOPS is None:
            out += self._public(len(b)) @ b
        else:
            LOOPS.csr_matvecs(len(out), len(b), b.shape[1], *self, b, out)

    def add_transposed_product(self, b: Floats, out: Floats) -> None:
        """Add the product of the rows, transposed, and `b` to `out`.

        Parameters
        ----------
        b : ndarray of float32, shape (n_rows, m)
        out : ndarray of float32, shape (n_columns, m)

        Raises
        ------
        ValueError
            If the number of rows differs, or `out` is not contiguous: SciPy would add to a copy.
        """
        self._check(len(b), out)
        if LOOPS is None:
            out += self._public(len(out)).T @ b
        else:
            # What is compressed by rows is, transposed, compressed by columns.
            LOOPS.csc_matvecs(len(out), len(b), b.shape[1], *self, b, out)

    def _check(self, n_rows: int, out: Floats) -> None:
        if n_rows != len(self.indptr) - 1 or not out.flags.c_contiguous:
            raise ValueError(
                f"sparse product: found {n_rows} rows and strides {out.strides} of the result, "
                f"expected {len(self.indptr) - 1} rows and a contiguous result"
            )

    def _public(self, n_columns: int) -> csr_array:
        """Return the rows as one of SciPy's public arrays."""
        indptr, indices, data = self
        kept = slice(indptr[0], indptr[-1])
        shape = len(indptr) - 1, n_columns
        return csr_array((data[kept], indices[kept], indptr - indptr[0]), shape=shape)


def sparse_rows(matrix: csr_array, factor: float) -> SparseRows:
    """Return a sparse matrix of SciPy's, times a factor.

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
        If it has more nonzeros than 32 bits can count.
    """
    if not matrix.indptr.dtype == matrix.indices.dtype == np.int32:
        raise ValueError(f"sparse inputs: found {matrix.nnz} nonzeros, expected fewer than 2**31")
    data = matrix.data.astype(np.float32) * np.float32(factor)
    return SparseRows(matrix.indptr, matrix.indices, data)
