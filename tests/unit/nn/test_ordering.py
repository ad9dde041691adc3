"""Columns in order, and split into dense and sparse ones."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nn.ordering import DENSE, arrange, order_columns

SPARSE = arrays(
    np.uint8,
    st.tuples(st.integers(1, 30), st.integers(1, 7)),
    elements=st.sampled_from([0, 0, 0, 9]),
)


def test_an_order_by_hand():
    images = np.zeros((10, 4), dtype=np.uint8)
    images[:4, 1] = images[3:5, 2] = 7
    images[0, 3] = 1
    columns = order_columns(images)
    assert columns.order.tolist() == [1, 2, 3, 0]
    assert columns.n_dense == 3  # the last of them with one pixel of ten
    images = np.vstack((images, images[-1:]))
    assert order_columns(images).n_dense == 2


@given(SPARSE)
def test_columns_with_more_nonzeros_come_first(images):
    order, n_dense = order_columns(images)
    counts = np.count_nonzero(images[:, order], axis=0)
    assert (np.diff(counts) <= 0).all()
    assert (counts[:n_dense] >= DENSE * len(images)).all()
    assert (counts[n_dense:] < DENSE * len(images)).all()


@given(SPARSE, SPARSE)
def test_dense_and_sparse_columns_together_are_the_images(images, others):
    columns = order_columns(images)
    others = np.resize(others, (len(others), images.shape[1]))  # ordered by other images' columns
    for some in (images, others):
        order, dense, sparse = arrange(some, columns)
        assert dense.flags.c_contiguous
        assert np.array_equal(np.hstack((dense, sparse.toarray())), some[:, order])
        assert sparse.data.all()  # no zero is kept
