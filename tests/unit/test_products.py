"""Prepared products, against float64."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from nn import products
from nn.products import Product, in_parts
from workflow.scripts.common import cores


def drawn(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def exactly(a, b):
    return a.astype(float) @ b.astype(float)


@pytest.mark.parametrize("has_small_products", [False, True])
@pytest.mark.parametrize("width", [1, 2, 77, 600, 785])
@pytest.mark.parametrize("n", [1, 2, 7, 16, 31, 32, 33, 64, 79, 500])
def test_parts_make_the_whole(n, width, has_small_products, monkeypatch):
    monkeypatch.setattr(products, "HAS_SMALL_PRODUCTS", has_small_products)
    # As in a step: lines that are further apart than they are long.
    x, w, hidden = drawn(n, 800)[:, :width], drawn(width, 200), np.full((n, 200), np.nan, "f")
    forward = in_parts(x, w, hidden)
    for product in forward:
        product()
    np.testing.assert_allclose(hidden, exactly(x, w), atol=3e-4)
    before = w.copy()
    backward = in_parts(x.T, hidden, w, is_added=True)
    for product in backward:
        product()
    np.testing.assert_allclose(w, before + exactly(x.T, hidden), rtol=1e-5, atol=2e-2)
    is_large = n * width * 200 > products.SMALL
    assert (len(forward) > 1) == (has_small_products and is_large and min(n, width) <= 78)


@pytest.mark.parametrize("is_added", [False, True])
@pytest.mark.parametrize("b_order", ["C", "F"])
@pytest.mark.parametrize("a_order", ["C", "F"])
@pytest.mark.parametrize(("n", "k", "m"), [(1, 1, 1), (1, 5, 3), (4, 1, 3), (4, 5, 1), (9, 8, 7)])
def test_any_layout_that_blas_can_read(n, k, m, a_order, b_order, is_added):
    a, b = np.asarray(drawn(n, k), order=a_order), np.asarray(drawn(k, m), order=b_order)
    out = drawn(n, m + 2)[:, :m]
    expected = exactly(a, b) + (out if is_added else 0)
    Product(a, b, out, is_added=is_added)()
    np.testing.assert_allclose(out, expected, atol=1e-5)


def test_it_computes_with_what_the_arrays_hold_then():
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
        (a, b, np.asarray(out, order="F")),  # the result by columns
    ):
        with pytest.raises(ValueError, match="product: found"):
            Product(*factors)


def test_add_outer():
    a, b, out = drawn(50), drawn(10), drawn(50, 10)
    expected = out + np.outer(a.astype(float), b.astype(float))
    products.add_outer(a, b, out=out)
    np.testing.assert_allclose(out, expected, atol=1e-5)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc: not Linux")
@pytest.mark.skipif(cores.available() < 2, reason="one core only: BLAS has no second thread")
@pytest.mark.parametrize("count", [1, 2])
def test_so_many_threads_share_a_product(count):
    a, b, out = drawn(256, 1000), drawn(1000, 800), np.empty((256, 800), "f")
    product = Product(a, b, out)
    with threadpool_limits(limits=1):
        products.set_threads(count)
        before = seconds_by_thread()
        until = time.monotonic() + 1
        while time.monotonic() < until:
            product()
        after = seconds_by_thread()
    np.testing.assert_allclose(out, exactly(a, b), atol=1e-3)
    at_work = [thread for thread in after if after[thread] - before.get(thread, 0) > 0.2]
    assert len(at_work) == count


def seconds_by_thread():
    """Tell the CPU seconds of each thread of this process."""
    seconds = {}
    for thread in Path("/proc/self/task").iterdir():
        fields = (thread / "stat").read_text().rpartition(")")[2].split()
        seconds[thread.name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds
