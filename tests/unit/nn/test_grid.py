"""The grid of steps, compared with its definition."""

from itertools import pairwise

from nn import grid

STEPS = [0, *grid.between(0, 10**6)]


def test_each_step_is_at_most_2_percent_after_the_one_before():
    assert STEPS[:101] == list(range(101))
    assert all(1 <= b - a <= max(1, a / 50) for a, b in pairwise(STEPS))
    assert len(STEPS) < 900  # each costs an evaluation


def test_the_grid_is_a_function_of_the_step_alone():
    on_it = set(STEPS)
    for step in range(1, 3000):
        assert grid.contains(step) == (step in on_it)
        assert grid.after(step) == min(each for each in STEPS if each > step)
        assert grid.before(step) == max(each for each in STEPS if each < step)
    assert grid.contains(0)
    assert grid.after(0) == 1


def test_only_steps_between_are_listed():
    assert grid.between(100, 106) == [102, 104]
    assert grid.between(101, 107) == [102, 104, 106]
    assert grid.between(100, 102) == []
