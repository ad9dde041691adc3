"""Matrix products that are prepared once and computed many times, in parts that suit BLAS.

**Straight to BLAS.** A step uses the same arrays again and again, so the arguments of a product are
prepared once. `scipy.linalg.cython_blas` exports the address of SciPy's sgemm. Unlike SciPy's
Python function, that takes a leading dimension larger than a row, adds to the result in place, and
releases the GIL.

**In small parts.** OpenBLAS first packs large matrices, which costs a few examples more than it
saves. Its AVX-512 kernels for small products do not, so a product is split into small ones.

`benchmarks.tricks` measures both.
"""

import ctypes
import functools
from collections.abc import Callable, Sequence

import numpy as np
from scipy.linalg import cython_blas
from threadpoolctl import ThreadpoolController

from nn.network import Floats
from nn.rows import slices

SMALL = 1_000_000
"""Most multiplications of a product that OpenBLAS computes without packing: the bound of
sgemm_small_matrix_permit in its kernel/x86_64."""

NARROWEST = 64
"""Narrower parts cost more than they save."""

AVX512_KERNELS = {"SkylakeX", "Cooperlake", "SapphireRapids"}
"""The BLAS kernels of OpenBLAS that compute small products without packing."""

Calls = Sequence[Callable[[], object]]
"""Functions to be called in this order."""

_KERNELS = {
    library.info().get("architecture")
    for library in ThreadpoolController().select(user_api="blas").lib_controllers
}
HAS_SMALL_PRODUCTS = bool(_KERNELS) and _KERNELS <= AVX512_KERNELS


class Product:
    """A product of two matrices, computed with their values at each call.

    Parameters
    ----------
    a : ndarray of float32, shape (n, k)
    b : ndarray of float32, shape (k, m)
    out : ndarray of float32, shape (n, m)
        The result. Each array is contiguous within its rows or within its columns.
    is_added : bool
        Whether the product is added to `out` instead of replacing it.

    Raises
    ------
    ValueError
        If the shapes do not fit, or BLAS cannot read or write an array of this layout.
    """

    def __init__(self, a: Floats, b: Floats, out: Floats, *, is_added: bool = False) -> None:
        if _layout(out)[0] == b"T":
            a, b, out = b.T, a.T, out.T
        (n, k), m = a.shape, b.shape[1]
        # BLAS is column-major: it gets everything transposed, the factors exchanged.
        (b_order, b_leading), (a_order, a_leading) = _layout(b), _layout(a)
        _, out_leading = _layout(out)
        if (b.shape[0], *out.shape) != (k, n, m):
            raise ValueError(f"product: found {a.shape} @ {b.shape} into {out.shape}")
        if not out.flags.writeable or any(np.may_share_memory(out, each) for each in (a, b)):
            raise ValueError("product: found a result that is read-only or part of a factor")
        char, integer, real = ctypes.c_char, ctypes.c_int, ctypes.c_float
        # BLAS gets their addresses, so they must live as long as the product.
        self._values = (
            *(char(b_order), char(a_order), integer(m), integer(n), integer(k), real(1)),
            *(b, integer(b_leading), a, integer(a_leading)),
            *(real(is_added), out, integer(out_leading)),
        )
        self._arguments = [
            value.ctypes.data if isinstance(value, np.ndarray) else ctypes.addressof(value)
            for value in self._values
        ]

    def __call__(self) -> None:
        """Compute the product."""
        _SGEMM(*self._arguments)


def compute(calls: Calls) -> None:
    """Call each in turn."""
    for call in calls:
        call()


def in_parts(a: Floats, b: Floats, out: Floats, *, is_added: bool = False) -> Calls:
    """Prepare a product in parts that BLAS computes without packing.

    Parameters
    ----------
    a, b, out, is_added
        As for `Product`.

    Returns
    -------
    Calls
    """
    longer = max(a.shape)
    widest = SMALL // (min(a.shape) * b.shape[1])
    n_parts = -(-longer // widest) if HAS_SMALL_PRODUCTS and widest >= NARROWEST else 1
    if n_parts == 1 and not is_added:
        # NumPy's wheel has a newer BLAS than SciPy's.
        return [functools.partial(np.matmul, a, b, out=out)]
    parts = slices(longer, n_parts)
    if longer == len(a):
        return [Product(a[part], b, out[part], is_added=is_added) for part in parts]
    return [
        Product(a[:, part], b[part], out, is_added=is_added or part.start > 0) for part in parts
    ]


def _layout(matrix: Floats) -> tuple[bytes, int]:
    """Return the order in which BLAS reads a matrix transposed, and its leading dimension.

    Raises
    ------
    ValueError
        If BLAS cannot read it.
    """
    size = matrix.itemsize
    if matrix.dtype == np.float32:
        for order, (lines, within), (n_lines, length) in (
            (b"N", matrix.strides, matrix.shape),
            (b"T", matrix.strides[::-1], matrix.shape[::-1]),
        ):
            leading = length if n_lines == 1 else lines // size
            if (within == size or length == 1) and leading >= length:
                return order, leading
    raise ValueError(f"product: found {matrix.dtype} with strides {matrix.strides}")


def _find_sgemm() -> Callable[..., None]:
    """Return the sgemm of SciPy's BLAS.

    Raises
    ------
    ImportError
        If it does not take 32-bit integers.
    """
    capsule = cython_blas.__pyx_capi__["sgemm"]
    name_of, address_of = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    address_of.restype, address_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    signature = name_of(capsule)
    if not signature.startswith(b"void (char *, char *, int *,"):
        raise ImportError(f"SciPy's sgemm: found {signature!r}, expected 32-bit integers")
    by_address = [ctypes.c_void_p] * signature.count(b"*")
    return ctypes.CFUNCTYPE(None, *by_address)(address_of(capsule, signature))


_SGEMM = _find_sgemm()
