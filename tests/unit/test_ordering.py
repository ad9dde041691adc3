"""Columns in order, and where images end."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nn.ordering import arrange, column_order, longest_first, prefix_lengths

SPARSE = arrays(
    np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 7)), elements=st.integers(0, 2)
)


def test_an_order_and_lengths_by_hand():
    images = np.array([[0, 1, 0, 7], [0, 1, 2, 0], [0, 0, 0, 0]], dtype=np.uint8)
    columns = column_order(images)
    assert columns.tolist() == [1, 2, 3, 0]
    assert prefix_lengths(images[:, columns]).tolist() == [3, 2, 0]


@given(SPARSE)
def test_only_zeros_follow_a_prefix(images):
    columns = column_order(images)
    assert sorted(columns) == list(range(images.shape[1]))
    for image, length in zip(images[:, columns], prefix_lengths(images[:, columns]), strict=True):
        assert not image[length:].any()
        assert length == 0 or image[length - 1]


@given(SPARSE)
def test_the_longest_come_first(images):
    columns = column_order(images)
    arranged = arrange(images, columns)
    assert np.array_equal(arranged.images, images[:, columns])
    assert sorted(arranged.order) == list(range(len(images)))
    assert (np.diff(arranged.lengths[arranged.order]) <= 0).all()


def test_equally_long_ones_keep_their_order():
    assert longest_first(np.array([3, 5, 0, 5, 3], dtype=np.int32)).tolist() == [1, 3, 0, 4, 2]


@given(SPARSE)
def test_columns_that_are_set_more_often_come_first(images):
    counts = np.count_nonzero(images[:, column_order(images)], axis=0)
    assert (np.diff(counts) <= 0).all()
