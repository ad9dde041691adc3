"""Products with a sparse matrix, compared with the dense one in float64."""

import sys

import numpy as np
import pytest
import scipy.sparse
from scipy.sparse import csr_array, random_array

from nn.engine import sparse
from nn.engine.sparse import sparse_rows

RANDOM = np.random.default_rng(4)
ROWS = [
    slice(0, 9),
    slice(3, 7),
    slice(8, 9),
    slice(4, 4),
    np.array([5]),
    np.array([8, 0, 0, 3, 8], dtype=np.intp),
    np.array([], dtype=np.intp),
]


@pytest.fixture(params=[0.0, 0.3, 1.0])
def matrix(request):
    """Return nine rows of six pixels, of which a fraction is nonzero."""
    drawn = random_array((9, 6), density=request.param, format="csr", rng=RANDOM)
    pixels = csr_array(np.ceil(drawn.toarray() * 255).astype(np.uint8))
    assert pixels.nnz == round(54 * request.param)
    return pixels


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("has_loops", [True, False])
def test_products_are_added(matrix, rows, has_loops, monkeypatch):
    if not has_loops:
        monkeypatch.setattr(sparse, "LOOPS", None)
    some = sparse_rows(matrix, 0.5).take(rows)
    x = 0.5 * matrix.toarray()[rows]
    w, delta = RANDOM.random((6, 3), "f"), RANDOM.random((len(x), 3), "f")
    z, change = RANDOM.random((len(x), 3), "f"), RANDOM.random((6, 3), "f")
    expected, expected_change = z + x @ w, change + x.T @ delta
    some.add_product(w, out=z)
    some.add_transposed_product(delta, out=change)
    np.testing.assert_allclose(z, expected, rtol=1e-5)
    np.testing.assert_allclose(change, expected_change, rtol=1e-5)


def test_a_slice_is_not_copied():
    rows = sparse_rows(csr_array(np.eye(5, dtype=np.uint8)), 2.0)
    some = rows.take(slice(1, 3))
    assert all(np.shares_memory(part, whole) for part, whole in zip(some, rows, strict=True))


@pytest.mark.parametrize("has_loops", [True, False])
def test_a_result_that_scipy_would_copy_is_refused(has_loops, monkeypatch):
    if not has_loops:
        monkeypatch.setattr(sparse, "LOOPS", None)
    rows, b = sparse_rows(csr_array(np.eye(5, dtype=np.uint8)), 2.0), np.ones((5, 3), "f")
    for add in (rows.add_product, rows.add_transposed_product):
        with pytest.raises(ValueError, match="found 5 rows and strides"):
            add(b, out=np.zeros((3, 5), "f").T)


@pytest.mark.parametrize("has_loops", [True, False])
def test_another_number_of_rows_is_refused(has_loops, monkeypatch):
    if not has_loops:
        monkeypatch.setattr(sparse, "LOOPS", None)
    rows = sparse_rows(csr_array(np.eye(5, dtype=np.uint8)), 2.0)
    five, six = (np.ones((count, 3), "f") for count in (5, 6))
    with pytest.raises(ValueError, match="found 6 rows"):
        rows.add_product(five, out=six)
    with pytest.raises(ValueError, match="found 6 rows"):
        rows.add_transposed_product(six, out=five)


def test_more_nonzeros_than_32_bits_count_are_refused():
    matrix = csr_array(np.eye(5, dtype=np.uint8))
    matrix.indices = matrix.indices.astype(np.int64)
    with pytest.raises(ValueError, match="sparse inputs: found 5 nonzeros"):
        sparse_rows(matrix, 1.0)


@pytest.mark.parametrize("moved", ["module", "function"])
def test_without_scipys_private_module_its_public_arrays_are_used(moved, monkeypatch):
    if moved == "module":
        monkeypatch.setitem(sys.modules, "scipy.sparse._sparsetools", None)
        monkeypatch.delattr(scipy.sparse, "_sparsetools")
    else:
        monkeypatch.delattr(scipy.sparse._sparsetools, "csr_row_index")
    assert sparse._find_loops() is None
