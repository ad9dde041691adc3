"""Matrix products that are prepared once and computed many times, in parts that suit BLAS.

**Straight to BLAS.** A step works in the same arrays again and again, so all that BLAS has to be
told of a product is put together once, and a call takes 1 µs. SciPy shows where its sgemm is (for
Cython, in `scipy.linalg.cython_blas`). Called from there it takes rows that are further apart than
they are long; it adds to what stands in the result, which saves two passes over the 275 KB of the
weights of the dense inputs; and it leaves Python's lock to other threads, which SciPy's own
function does not.

**In small parts.** OpenBLAS first copies a large matrix into an order that it likes better, which a
few examples are not worth. On processors with AVX-512 it leaves that out where a product is small
enough. So a product is cut into parts that are. (`benchmarks.tricks` measures what it gains on such
a processor.)
"""

import ctypes
import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.linalg import cython_blas
from scipy.linalg.blas import sger
from threadpoolctl import ThreadpoolController

from nn.network import Floats
from nn.rows import slices

SMALL = 1_000_000
"""Multiplications of a product, at most, that OpenBLAS does without copying; its interface/gemm.c
asks sgemm_small_matrix_permit of kernel/x86_64."""

NARROWEST = 64
"""Narrower parts take longer than they save."""

AVX512_KERNELS = {"SkylakeX", "Cooperlake", "SapphireRapids"}
"""OpenBLAS's names for the processors for which it has products without a copy."""


def _is_numpys(path: str) -> bool:
    """Tell whether a BLAS came with NumPy's wheel, in numpy.libs or numpy/.dylibs."""
    *_, package, folder, _ = ("", "", *Path(path).parts)
    return folder == "numpy.libs" or (package, folder) == ("numpy", ".dylibs")


_LIBRARIES = ThreadpoolController().select(user_api="blas").lib_controllers
_KERNELS = {library.info().get("architecture") for library in _LIBRARIES}
_OF_PRODUCTS = [library for library in _LIBRARIES if not _is_numpys(library.filepath)]
CAN_SHARE_PRODUCTS = bool(_OF_PRODUCTS)
HAS_SMALL_PRODUCTS = bool(_KERNELS) and _KERNELS <= AVX512_KERNELS


class Product:
    """A product of two matrices that may change, to be computed again and again.

    Parameters
    ----------
    a : ndarray of float32, shape (n, k)
    b : ndarray of float32, shape (k, m)
    out : ndarray of float32, shape (n, m)
        Where the result goes, contiguous within its rows; `a` and `b` may also be contiguous within
        their columns.
    is_added : bool
        Whether the product is added to `out`, instead of taking its place.
    """

    def __init__(self, a: Floats, b: Floats, out: Floats, *, is_added: bool = False) -> None:
        self._arrays = a, b, out  # whose addresses BLAS is given: they must live as long as this
        (n, k), m = a.shape, b.shape[1]
        # BLAS counts columns first, so it gets everything transposed, and the factors exchanged.
        (b_turn, b_distance), (a_turn, a_distance) = _layout(b), _layout(a)
        out_turn, out_distance = _layout(out)
        if (b.shape[0], *out.shape) != (k, n, m) or out_turn != b"N":
            raise ValueError(f"product: found {a.shape} @ {b.shape} into {out.shape}")
        self._arguments = (
            *(_constant(ctypes.c_char, turn) for turn in (b_turn, a_turn)),
            *(_constant(ctypes.c_int, size) for size in (m, n, k)),
            _constant(ctypes.c_float, 1.0),
            *(_address(b), _constant(ctypes.c_int, b_distance)),
            *(_address(a), _constant(ctypes.c_int, a_distance)),
            _constant(ctypes.c_float, float(is_added)),
            *(_address(out), _constant(ctypes.c_int, out_distance)),
        )

    def __call__(self) -> None:
        """Compute it."""
        _SGEMM(*self._arguments)


def in_parts(
    a: Floats, b: Floats, out: Floats, *, is_added: bool = False, threads: int = 1
) -> list[Callable[[], object]]:
    """Prepare a product in parts that are small enough for BLAS to do without copying.

    Parameters
    ----------
    a, b, out, is_added
        As for `Product`.
    threads : int
        As many as `set_threads` may be called with.

    Returns
    -------
    list of callable
        To be called in this order.
    """
    longer = max(a.shape)
    widest = SMALL // (min(a.shape) * b.shape[1])
    n_parts = -(-longer // widest) if HAS_SMALL_PRODUCTS and widest >= NARROWEST else 1
    if n_parts == 1 and not is_added and threads == 1:
        # NumPy's wheel has a newer BLAS than SciPy's last one for Python 3.11: 384 µs a step
        # instead of 462 at batch size 32 with its kernel for AVX2 (Zen 3). With SciPy 1.18 both
        # take as long.
        return [functools.partial(np.matmul, a, b, out=out)]
    parts = slices(longer, n_parts)
    if longer == len(a):
        return [Product(a[part], b, out[part], is_added=is_added) for part in parts]
    return [
        Product(a[:, part], b[part], out, is_added=is_added or part.start > 0) for part in parts
    ]


def set_threads(count: int) -> None:
    """Let so many threads share each `Product`, where it is not too small and they have a BLAS.

    NumPy's own BLAS keeps its threads: those of two in turn get in each other's way.
    """
    for library in _OF_PRODUCTS:
        library.set_num_threads(count)


def add_outer(a: Floats, b: Floats, out: Floats) -> None:
    """Add the outer product of `a` and `b` to `out`.

    Parameters
    ----------
    a : ndarray of float32, shape (k,)
    b : ndarray of float32, shape (m,)
    out : ndarray of float32, shape (k, m)
        Contiguous by rows.
    """
    sger(1.0, b, a, a=out.T, overwrite_a=1)


def _layout(matrix: Floats) -> tuple[bytes, int]:
    """Tell how BLAS is to read a matrix that it gets transposed, and how far apart its lines are.

    Raises
    ------
    ValueError
        If BLAS cannot read it.
    """
    size = matrix.itemsize
    if matrix.dtype == np.float32:
        for turn, (lines, within), length in (
            (b"N", matrix.strides, matrix.shape[1]),
            (b"T", matrix.strides[::-1], matrix.shape[0]),
        ):
            if within == size or length == 1:
                return turn, max(lines // size, length)
    raise ValueError(f"product: found {matrix.dtype} with strides {matrix.strides}")


def _address(array: Floats) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


@functools.cache
def _constant(
    kind: type[ctypes.c_char | ctypes.c_int | ctypes.c_float], value: bytes | int | float
) -> ctypes.c_void_p:
    """Put a number where BLAS, which takes all by address, can read it."""
    _CONSTANTS.append(kind(value))  # type: ignore[arg-type]
    return ctypes.c_void_p(ctypes.addressof(_CONSTANTS[-1]))


_CONSTANTS: list[ctypes.c_char | ctypes.c_int | ctypes.c_float] = []
"""They must stay where they are."""


def _find_sgemm() -> "ctypes._CFunctionType":
    """Find the sgemm of SciPy's BLAS.

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
    return ctypes.CFUNCTYPE(None)(address_of(capsule, signature))


_SGEMM = _find_sgemm()
