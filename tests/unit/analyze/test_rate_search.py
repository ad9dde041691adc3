"""The search for the best learning rate, on curves whose best rate is known."""

import math

import pytest

from batch_race.analyze import rate_search
from batch_race.analyze.rate_search import Standing, further, start

VALUES = {"batch_size": 32, "momentum": 0.0, "inputs": "raw"}


def search(seconds, first, *, is_refined=True):
    """Search until no rate is left to try; return all rates tried, and the rules."""
    tried, rules = list(first), []
    while True:
        standings = {rate: Standing(*seconds(rate)) for rate in tried}
        steps = list(further(standings, is_refined=is_refined))
        if not steps:
            return sorted(tried), rules
        assert not set(tried) & {step.learning_rate for step in steps}
        tried += [step.learning_rate for step in steps]
        rules += [step.rule for step in steps]


def bowl(best, width=1.0):
    """Give a smooth time with its minimum at a learning rate."""
    return lambda rate: (1 + (math.log10(rate / best) / width) ** 2, 0.0)


@pytest.mark.parametrize("best", [2e-5, 3e-4, 0.0042, 0.01, 0.013, 0.7, 55.0])
@pytest.mark.parametrize("batch_size", [1, 32, 60000])
def test_the_best_rate_of_a_bowl_is_enclosed(best, batch_size):
    seconds = bowl(best)
    tried, _ = search(seconds, start(VALUES | {"batch_size": batch_size}))
    found = min(tried, key=seconds)
    place = tried.index(found)
    assert 0 < place < len(tried) - 1
    # The neighbours are on the lattice of a quarter of a decade, and so no other is nearer.
    assert tried[place + 1] / found == pytest.approx(10**0.25, rel=0.01)
    assert found / tried[place - 1] == pytest.approx(10**0.25, rel=0.01)
    assert abs(math.log10(found / best)) <= 1 / 8 + 0.002


def test_without_refinement_the_grid_stays_coarse():
    tried, rules = search(bowl(0.5), [0.001, 0.00316, 0.01], is_refined=False)
    assert tried == [0.001, 0.00316, 0.01, 0.0316, 0.1, 0.316, 1.0]
    assert set(rules) == {"widened"}


@pytest.mark.parametrize("is_refined", [False, True])
@pytest.mark.parametrize("beside", [1e-5, 100.0])
@pytest.mark.parametrize("best", [1e-4, 0.0316, 3.0])
def test_a_rate_far_from_the_others_does_not_end_the_search(best, beside, is_refined):
    tried, _ = search(bowl(best), [0.01, 0.0316, 0.1, beside], is_refined=is_refined)
    nearest = min(tried, key=lambda rate: abs(math.log10(rate / best)))
    assert abs(math.log10(nearest / best)) <= 1 / 4 + 0.002
    below = max(rate for rate in tried if rate < nearest)
    above = min(rate for rate in tried if rate > nearest)
    assert above / below <= 10.1


def test_where_all_diverge_lower_rates_are_next():
    def seconds(rate):
        return (math.inf, math.inf) if rate > 0.004 else (1.0, 0.1)

    tried, _ = search(seconds, [0.1, 0.316, 1.0])
    assert tried[0] < 0.004


def test_rates_that_miss_are_ordered_by_their_end():
    tried, _ = search(
        lambda rate: (math.inf, abs(math.log10(rate / 0.0316))), [0.001, 0.00316, 0.01]
    )
    assert tried[-1] == 0.1
    assert 0.0316 in tried


def test_the_search_ends_at_the_limits():
    low, _ = search(lambda rate: (rate, 0.0), [0.001, 0.00316, 0.01])
    high, _ = search(lambda rate: (1 / rate, 0.0), [0.1, 0.316, 1.0])
    assert low[0] == rate_search.rate(rate_search.LOWEST) == 1e-6
    assert high[-1] == rate_search.rate(rate_search.HIGHEST) == 1000


def test_nothing_known_is_no_reason_to_try_more():
    assert list(further({}, is_refined=True)) == []


def test_the_start_grows_with_the_batch_size_and_falls_with_momentum():
    middles = [start(VALUES | {"batch_size": size})[1] for size in (1, 32, 512, 60000)]
    assert middles == sorted(set(middles))
    assert start(VALUES | {"momentum": 0.9})[1] == pytest.approx(start(VALUES)[1] / 10, rel=0.01)
    for inputs in ("raw", "unit", "standardized"):
        rates = start(VALUES | {"inputs": inputs})
        assert rates[1] / rates[0] == pytest.approx(10**0.5, rel=0.01)


def test_rates_have_three_digits():
    assert [rate_search.rate(place) for place in range(-8, 1)] == [
        *(0.01, 0.0178, 0.0316, 0.0562),
        *(0.1, 0.178, 0.316, 0.562, 1.0),
    ]
