"""Products in place and in small parts, against float64."""

import numpy as np
import pytest

from nn import products


def drawn(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("has_small_products", [False, True])
@pytest.mark.parametrize("width", [1, 600, 785])
@pytest.mark.parametrize("n", [1, 2, 4, 7, 8, 12, 31, 32, 33, 36, 64])
def test_multiply(n, width, has_small_products, monkeypatch):
    monkeypatch.setattr(products, "HAS_SMALL_PRODUCTS", has_small_products)
    a, b, out = drawn(n, width), drawn(width, 200), np.full((n, 200), np.nan, np.float32)
    products.multiply(a, b, out=out)
    np.testing.assert_allclose(out, a.astype(float) @ b.astype(float), atol=2e-4)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n", [2, 32, 33, 127, 128, 500])
def test_add_product(n, order):
    a, b, out = drawn(n, 50), np.asarray(drawn(n, 10), order=order), drawn(50, 10)
    expected = out + a.astype(float).T @ b.astype(float)
    products.add_product(a, b, out, np.full(700, np.nan, np.float32))
    np.testing.assert_allclose(out, expected, atol=4e-4)


def test_add_outer():
    a, b, out = drawn(50), drawn(10), drawn(50, 10)
    expected = out + np.outer(a.astype(float), b.astype(float))
    products.add_outer(a, b, out=out)
    np.testing.assert_allclose(out, expected, atol=1e-5)
