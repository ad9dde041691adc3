"""Rows, and parts of them."""

import numpy as np
import pytest

from nn.rows import first_rows, row_count, split_rows

ROWS = [slice(5, 12), np.array([9, 2, 2, 11, 0, 4, 5])]


@pytest.mark.parametrize("n_parts", [1, 2, 3, 7])
@pytest.mark.parametrize("rows", ROWS)
def test_parts_make_the_whole(rows, n_parts):
    everything = np.arange(20)
    parts = split_rows(rows, n_parts)
    assert np.array_equal(np.concatenate([everything[part] for part in parts]), everything[rows])
    counts = [row_count(part) for part in parts]
    assert counts == [len(everything[part]) for part in parts]
    assert len(counts) == n_parts
    assert max(counts) - min(counts) <= 1
    assert all(isinstance(part, type(rows)) for part in parts)


@pytest.mark.parametrize("most", [0, 1, 6, 7, 8])
@pytest.mark.parametrize("rows", ROWS)
def test_the_first_rows(rows, most):
    everything = np.arange(20)
    assert np.array_equal(everything[first_rows(rows, most)], everything[rows][:most])
