"""Rows, and parts of them."""

import numpy as np
import pytest

from nn.rows import count, cut, first

ROWS = [slice(5, 12), np.array([9, 2, 2, 11, 0, 4, 5])]


@pytest.mark.parametrize("n_parts", [1, 2, 3, 7])
@pytest.mark.parametrize("rows", ROWS)
def test_parts_make_the_whole(rows, n_parts):
    everything = np.arange(20)
    parts = cut(rows, n_parts)
    assert np.array_equal(np.concatenate([everything[part] for part in parts]), everything[rows])
    sizes = [count(part) for part in parts]
    assert sizes == [len(everything[part]) for part in parts]
    assert len(sizes) == n_parts
    assert max(sizes) - min(sizes) <= 1
    assert all(isinstance(part, type(rows)) for part in parts)


@pytest.mark.parametrize("most", [0, 1, 6, 7, 8])
@pytest.mark.parametrize("rows", ROWS)
def test_the_first_rows(rows, most):
    everything = np.arange(20)
    assert np.array_equal(everything[first(rows, most)], everything[rows][:most])
