"""The levels of repeated looks."""

import pytest

from batch_race.analyze import looks
from batch_race.analyze.contrasts import LEVEL


@pytest.mark.parametrize("most", [2, 3, 6, 10])
def test_the_errors_of_all_looks_add_up_to_the_error_of_one(most):
    errors = [1 - looks.level(n_seeds, most) for n_seeds in range(2, most + 1)]
    assert sum(errors) == pytest.approx(1 - LEVEL)
    assert all(error > 0 for error in errors)
    assert max(errors) == errors[-1]


def test_more_seeds_than_planned_are_the_last_look():
    assert looks.level(7, 6) == looks.level(6, 6)
