"""The comparison of times with the true ones, on made-up runs."""

import itertools
import math

import pytest

from benchmarks.truth import deviations, steps_until, worst
from nn import grid
from tests.curves import falling, measured

TARGETS = {"loss": [1.0, 0.5]}


def runs(steps_to_one, n_rows=None):
    """Return measures of a run of that many steps to loss 1, or of its first rows alone."""
    history = falling(steps_to_one, momentum=0.0)
    return measured(history.head(n_rows or len(history)), TARGETS, "training")


def test_times_that_are_the_same_are_not_off():
    assert dict(deviations(runs(40), runs(40))) == {"32 to loss 1": 0, "32 to loss 0.5": 0}
    assert worst(runs(40), runs(40)) == "0"


def test_a_time_is_off_relative_to_the_true_one():
    assert [off for _, off in deviations(runs(50), runs(40))] == pytest.approx([0.25, 0.25])
    assert worst(runs(50), runs(40)).startswith("+25.0% (32 to loss ")


def test_a_target_that_only_one_reaches_is_infinitely_off():
    reached, missed = runs(40), runs(40, 50)
    for pair in ((reached, missed), (missed, reached)):
        assert dict(deviations(*pair)) == {"32 to loss 1": 0, "32 to loss 0.5": math.inf}


@pytest.mark.parametrize("last", [1, 100, 107, 1001])
def test_the_grid_is_made_finer(last):
    coarse, fine = (list(steps_until(last, finer)) for finer in (1, 4))
    assert coarse == [0, *grid.between(0, last), last]
    assert set(coarse) <= set(fine)
    assert fine == sorted(set(fine))
    gaps = [stop - start for start, stop in itertools.pairwise(fine)]
    assert max(gaps) <= max(1, math.ceil(0.02 * last / 4))
