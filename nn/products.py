"""Matrix products that know what is small and where their result belongs.

**Added in place.** NumPy multiplies into a new place, which is then added: two passes more over
the weights of the first layer, 630 KB. BLAS can add while it multiplies; SciPy lets it. It saves 7
of 130 µs at batch size 32, and at batch size 1, where NumPy has no fast outer product, 20 of 40.
But SciPy keeps Python's lock meanwhile, so that no other thread can work, and with many examples
BLAS adds more slowly than NumPy does: 386 µs instead of 364 for 500. So those NumPy multiplies.

**In small parts.** OpenBLAS first copies a large matrix into an order that it likes better, which a
few examples are not worth. On processors with AVX-512 it leaves that out where a product is small
enough, so a batch of few examples is cut into products that are: 33 µs instead of 44 for the
forward product at batch size 32.

(One thread of an AMD EPYC with AVX-512.)
"""

import numpy as np
from scipy.linalg.blas import sgemm, sger
from threadpoolctl import threadpool_info

from nn.network import Floats

SMALL = 1_000_000
"""Multiplications of a product, at most, that OpenBLAS does without copying; its interface/gemm.c
asks sgemm_small_matrix_permit of kernel/x86_64."""

FEW = 32
"""Examples for which the copy is not worth its time; at 64 it was."""

MANY = 128
"""Examples from which on two passes of NumPy's are no slower than one of SciPy's."""

AVX512_KERNELS = {"SkylakeX", "Cooperlake", "SapphireRapids"}
"""OpenBLAS's names for the processors for which it has products without a copy."""

HAS_SMALL_PRODUCTS = all(
    library.get("architecture") in AVX512_KERNELS
    for library in threadpool_info()
    if library["user_api"] == "blas"
)

# BLAS counts columns first, so it gets everything transposed. Arrays that are not contiguous, or
# not float32, would be copied, and the sum would be lost with the copy.


def multiply(a: Floats, b: Floats, out: Floats) -> None:
    """Set `out` to the product of `a` and `b`.

    Parameters
    ----------
    a : ndarray of float32, shape (n, k)
    b : ndarray of float32, shape (k, m)
    out : ndarray of float32, shape (n, m)
        All three contiguous by rows.
    """
    n, k = a.shape
    m = b.shape[1]
    if HAS_SMALL_PRODUCTS and n <= FEW and n % 4 == 0:
        rows = 8 if n % 8 == 0 and 8 * b.size <= SMALL else 4
        a, out = a.reshape(-1, rows, k), out.reshape(-1, rows, m)
    np.matmul(a, b, out=out)


def add_product(a: Floats, b: Floats, out: Floats, space: Floats) -> None:
    """Add the product of `a` transposed and `b` to `out`.

    Parameters
    ----------
    a : ndarray of float32, shape (n, k)
    b : ndarray of float32, shape (n, m)
    out : ndarray of float32, shape (k, m)
        All three contiguous by rows; `b` may be so by columns.
    space : ndarray of float32, shape (at least k * m,)
        Room for the product.
    """
    if len(a) < MANY:
        left, is_transposed = (b, 1) if b.flags.f_contiguous else (b.T, 0)
        sgemm(1.0, left, a.T, beta=1.0, c=out.T, trans_a=is_transposed, trans_b=1, overwrite_c=1)
    else:
        product = space[: out.size].reshape(out.shape)
        np.matmul(a.T, b, out=product)
        out += product


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
