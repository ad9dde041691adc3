"""The ticks of logarithmic axes."""

from math import log10

import pytest

from batch_race.report import axes

RANGES = [
    (low, low * factor)
    for low in (1e-12, 0.003, 0.7, 1, 3.3, 9.99, 60_000)
    for factor in (1.001, 1.05, 1.5, 2, 4, 9, 30, 1e3, 1e6, 1e12, 1e20)
]


@pytest.mark.parametrize(("low", "high"), RANGES)
def test_there_are_enough_ticks_and_not_too_many(low, high):
    ticks = axes.log_ticks(low, high)
    assert 3 <= len(ticks) <= axes.MOST_DECADES + 1
    assert ticks == sorted(set(ticks))
    assert low <= ticks[0] < ticks[-1] <= high


@pytest.mark.parametrize(("low", "high"), [(1, 1e3), (0.02, 500), (1e-7, 1e8)])
def test_each_decade_has_a_tick(low, high):
    ticks = axes.log_ticks(low, high)
    decades = [10.0**power for power in range(-9, 10) if low <= 10.0**power <= high]
    assert set(ticks) >= set(decades)


def test_a_range_of_one_number_has_at_most_its_tick():
    assert axes.log_ticks(1, 1) == [1]
    assert axes.log_ticks(3.7, 3.7) == []


@pytest.mark.parametrize(("low", "high"), [(1, 1), (3, 3.01), (1, 100), (1e-9, 1e9)])
def test_a_widened_range_has_space_at_both_ends(low, high):
    left, right = axes.widened(low, high)
    assert left < low <= high < right
    assert log10(right / left) >= log10(4) - 1e-9
    assert low / left == pytest.approx(right / high)
