"""Prepared products, compared with float64."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from nn.engine import products
from nn.engine.products import Product, compute, in_parts


def drawn(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def exactly(a, b):
    return a.astype(float) @ b.astype(float)


@pytest.mark.parametrize("has_small_products", [False, True])
@pytest.mark.parametrize("width", [1, 2, 77, 600, 785])
@pytest.mark.parametrize("n", [1, 2, 7, 16, 31, 32, 33, 64, 79, 500])
def test_parts_make_the_whole(n, width, has_small_products, monkeypatch):
    monkeypatch.setattr(products, "HAS_SMALL_PRODUCTS", has_small_products)
    # As in a step: a leading dimension larger than a row.
    x, w, hidden = drawn(n, 800)[:, :width], drawn(width, 200), np.full((n, 200), np.nan, "f")
    forward = in_parts(x, w, hidden)
    compute(forward)
    np.testing.assert_allclose(hidden, exactly(x, w), atol=3e-4)
    before = w.copy()
    backward = in_parts(x.T, hidden, w, is_added=True)
    compute(backward)
    np.testing.assert_allclose(w, before + exactly(x.T, hidden), rtol=1e-5, atol=2e-2)
    is_large = n * width * 200 > products.SMALL
    assert (len(forward) > 1) == (has_small_products and is_large and min(n, width) <= 78)


@pytest.mark.parametrize("is_added", [False, True])
@pytest.mark.parametrize("out_order", ["C", "F"])
@pytest.mark.parametrize("b_order", ["C", "F"])
@pytest.mark.parametrize("a_order", ["C", "F"])
@pytest.mark.parametrize(("n", "k", "m"), [(1, 1, 1), (1, 5, 3), (4, 1, 3), (4, 5, 1), (9, 8, 7)])
def test_any_layout_that_blas_can_read(n, k, m, a_order, b_order, out_order, is_added):
    a, b = np.asarray(drawn(n, k), order=a_order), np.asarray(drawn(k, m), order=b_order)
    out = drawn(n, m + 2)[:, :m] if out_order == "C" else drawn(m, n + 2)[:, :n].T
    expected = exactly(a, b) + (out if is_added else 0)
    Product(a, b, out, is_added=is_added)()
    np.testing.assert_allclose(out, expected, atol=1e-5)


def test_it_computes_with_the_current_values():
    a, b, out = drawn(2, 3), drawn(3, 4), np.empty((2, 4), "f")
    product = Product(a, b, out)
    a *= 2
    b[0] = 1
    product()
    np.testing.assert_allclose(out, exactly(a, b), atol=1e-5)


def test_what_blas_cannot_read_is_refused():
    a, b, out = drawn(4, 6), drawn(6, 8), np.empty((4, 8), "f")
    for factors in (
        (a.astype(float), b, out),  # another number type
        (a[:, ::2], b[:3], out),  # neither rows nor columns are contiguous
        (a, b[:5], out),  # shapes that do not fit
        (a, b, out.T),
        (a, b, np.empty((4, 16), "f")[:, ::2]),  # neither in the result
        (a[::-1], b, out),  # leading dimensions that BLAS does not support: negative,
        (np.broadcast_to(a[:1], a.shape), b, out),  # zero,
        (sliding_window_view(drawn(9), 6), b, out),  # shorter than a row
        (a, b, out[::-1]),
        (a, b, np.broadcast_to(out, out.shape)),  # read-only
        (out[:, :6], b, out),  # a result that is also a factor
    ):
        with pytest.raises(ValueError, match="product: found"):
            Product(*factors)
