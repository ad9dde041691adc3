"""The examples of each step."""

import itertools

import numpy as np
import pytest

from nn.batches import MiniBatches


def indices(batches, step):
    return np.arange(batches.n_examples)[batches.rows(step)].tolist()


def epoch(batches, number=0):
    first = number * batches.per_epoch
    return [indices(batches, first + batch) for batch in range(batches.per_epoch)]


def flat(lists):
    return list(itertools.chain.from_iterable(lists))


def test_repeat_fills_the_last_batch_from_the_start():
    # As Nx.to_batched(Nx.iota({7}), 3) does: its documentation shows such a wrap.
    assert epoch(MiniBatches(7, 3)) == [[0, 1, 2], [3, 4, 5], [6, 0, 1]]
    assert epoch(MiniBatches(7, 3), number=4) == epoch(MiniBatches(7, 3))


def test_keep_leaves_the_last_batch_small():
    assert epoch(MiniBatches(7, 3, "keep")) == [[0, 1, 2], [3, 4, 5], [6]]


def test_drop_leaves_the_last_batch_out():
    assert epoch(MiniBatches(7, 3, "drop")) == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("leftover", ["repeat", "keep", "drop"])
@pytest.mark.parametrize("batch_size", [1, 2, 5, 10])
def test_no_leftover_no_difference(leftover, batch_size):
    batches = MiniBatches(10, batch_size, leftover)
    assert flat(epoch(batches)) == list(range(10))


@pytest.mark.parametrize("leftover", ["repeat", "keep", "drop"])
@pytest.mark.parametrize("batch_size", [1, 3, 7, 10])
@pytest.mark.parametrize("shuffle", [False, True])
def test_examples_are_counted(leftover, batch_size, shuffle):
    batches = MiniBatches(10, batch_size, leftover, shuffle, seed=1)
    seen = 0
    for step in range(3 * batches.per_epoch + 1):
        assert batches.examples_after(step) == seen
        seen += len(indices(batches, step))


@pytest.mark.parametrize("leftover", ["repeat", "keep", "drop"])
def test_a_batch_of_all_is_not_shuffled(leftover):
    batches = MiniBatches(10, 10, leftover, shuffle=True, seed=4)
    assert epoch(batches) == epoch(batches, 1) == [list(range(10))]


def test_a_shuffled_epoch_has_each_example_once():
    batches = MiniBatches(100, 10, "repeat", shuffle=True, seed=4)
    first, second = flat(epoch(batches)), flat(epoch(batches, 1))
    assert sorted(first) == sorted(second) == list(range(100))
    assert first != second != list(range(100))


def test_a_shuffled_repeat_fills_up_from_its_own_start():
    batches = MiniBatches(7, 3, "repeat", shuffle=True, seed=4)
    order = flat(epoch(batches))
    assert sorted(order[:7]) == list(range(7))
    assert order[7:] == order[:2]


def test_the_order_depends_on_seed_and_step_alone():
    batches = MiniBatches(100, 10, shuffle=True, seed=4)
    late_first = indices(batches, 57)
    assert indices(MiniBatches(100, 10, shuffle=True, seed=4), 57) == late_first
    for step in range(57):
        batches.rows(step)
    assert indices(batches, 57) == late_first
    assert indices(MiniBatches(100, 10, shuffle=True, seed=5), 57) != late_first


@pytest.mark.parametrize("batch_size", [0, -1, 11])
def test_a_batch_that_cannot_be_filled_is_refused(batch_size):
    with pytest.raises(ValueError, match=f"batch_size: found {batch_size}, expected 1 to the 10"):
        MiniBatches(10, batch_size)
