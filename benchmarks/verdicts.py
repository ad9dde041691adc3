"""Simulate how often batch sizes are wrongly, and how often rightly, called slower.

    python -m benchmarks.verdicts
    python -m benchmarks.verdicts --simulations 2000

Draws logarithms of times of known order, compares them as the workflow does, and prints two tables
in Markdown: false verdicts in percent, where all batch sizes are equally fast at their best
learning rate, for several kinds of noise; and how often a true ratio is detected. With the default
of 20,000 simulations it takes about a minute.
"""

import argparse
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from batch_race.analyze.contrasts import contrasts

Array = npt.NDArray[np.float64]

DESIGNS = ((4, 1), (8, 1), (8, 3))
"""Batch sizes, and learning rates of each."""

SEEDS = (2, 3, 5, 10)
RATIOS = (1.1, 1.3, 2.0)
NOISES = (0.05, 0.15)
"""Standard deviations of the logarithms of times."""

_AT_ONCE = 500


class Race(NamedTuple):
    """Simulated times.

    Attributes
    ----------
    log_times : ndarray of float64, shape (n_simulations, n_configurations, n_seeds)
    is_fastest : ndarray of bool, shape (n_batch_sizes,)
        Whether a batch size is truly among the fastest.
    given : float or ndarray of float64, shape (n_configurations, 1)
        The logarithm of the budget: a run that takes longer misses the target.
    """

    log_times: Array
    is_fastest: npt.NDArray[np.bool_]
    given: float | Array = 100.0


Draw = Callable[[np.random.Generator, int, int, int, int], Race]


def slower(race: Race, rates: int) -> npt.NDArray[np.bool_]:
    """Return which batch sizes the workflow calls slower than the winner.

    Parameters
    ----------
    race : Race
    rates : int
        The number of configurations of each batch size.

    Returns
    -------
    ndarray of bool, shape (n_simulations, n_batch_sizes)
        Never a batch size that is not ranked: at most half of the runs of each of its
        configurations reach the target.
    """
    times = np.where(race.log_times <= race.given, race.log_times, np.inf)
    medians = np.median(times, axis=-1)
    winner = medians.argmin(axis=-1)
    sizes = times.shape[1] // rates
    given = np.broadcast_to(race.given, times.shape)
    difference, margin = contrasts(winner, times, given, [rates] * sizes)
    is_shown = (difference > margin).reshape(-1, sizes, rates).all(axis=-1)
    is_ranked = np.isfinite(medians).reshape(-1, sizes, rates).any(axis=-1)
    slower: npt.NDArray[np.bool_] = is_shown & is_ranked
    return slower


def noisy(scale: Callable[[int, int], Array]) -> Draw:
    """Return a function that draws equal times, with normal noise of given standard deviations."""

    def draw(random: np.random.Generator, count: int, sizes: int, rates: int, seeds: int) -> Race:
        noise = random.normal(size=(count, sizes * rates, seeds)) * scale(sizes, rates)[:, None]
        return Race(noise, np.ones(sizes, dtype=bool))

    return draw


def changed(change: Callable[[np.random.Generator, Array], Array], given: float = 100.0) -> Draw:
    """Return a function that draws equal times of standard deviation 1 and changes them."""

    def draw(random: np.random.Generator, count: int, sizes: int, rates: int, seeds: int) -> Race:
        times = random.normal(size=(count, sizes * rates, seeds))
        return Race(change(random, times), np.ones(sizes, dtype=bool), given)

    return draw


def half_tied(random: np.random.Generator, count: int, sizes: int, rates: int, seeds: int) -> Race:
    """Draw batch sizes of which one half is equally fast and the other far slower."""
    is_fastest = np.arange(sizes) < sizes // 2
    behind = np.where(is_fastest.repeat(rates), 0.0, 10.0)
    noise = random.normal(size=(count, sizes * rates, seeds))
    return Race(noise + behind[:, None], is_fastest)


def one_good_rate(
    random: np.random.Generator, count: int, sizes: int, rates: int, seeds: int
) -> Race:
    """Draw batch sizes with one good learning rate each, the first three times as noisy."""
    behind = np.where(np.arange(sizes * rates) % rates, 30.0, 0.0)
    noise = random.normal(size=(count, sizes * rates, seeds))
    noise[:, 0] *= 3
    return Race(noise + behind[:, None], np.ones(sizes, dtype=bool))


def one_given_less(
    random: np.random.Generator, count: int, sizes: int, rates: int, seeds: int
) -> Race:
    """Draw equal batch sizes; half of the first one's runs have too small a budget."""
    times = random.normal(size=(count, sizes * rates, seeds))
    given = np.where(np.arange(sizes * rates) < rates, 0.0, 100.0)[:, None]
    return Race(times, np.ones(sizes, dtype=bool), given)


SCENARIOS: dict[str, Draw] = {
    "equal noise": noisy(lambda sizes, rates: np.ones(sizes * rates)),
    "every second × 3": noisy(lambda sizes, rates: 1 + 2.0 * (np.arange(sizes * rates) % 2)),
    "one × 3": noisy(lambda sizes, rates: 1 + 2.0 * (np.arange(sizes * rates) == 0)),
    "all but one × 3": noisy(lambda sizes, rates: 1 + 2.0 * (np.arange(sizes * rates) > 0)),
    "from 1 to × 3": noisy(lambda sizes, rates: np.geomspace(1, 3, sizes * rates)),
    "Student's t (5)": changed(lambda random, times: random.standard_t(5, times.shape)),
    "seeds × 3": changed(
        lambda random, times: times + random.normal(scale=3, size=(len(times), 1, times.shape[2]))
    ),
    "half are slower": half_tied,
    "one good rate, one × 3": one_good_rate,
    "half of the runs miss": changed(lambda random, times: times, given=0.0),
    "half of one's runs miss": one_given_less,
    "half of the runs diverge": changed(
        lambda random, times: np.where(random.random(times.shape) < 0.5, times, np.inf), given=30.0
    ),
}
"""How the times are drawn. A run that diverges counts as one that misses."""

BEYOND: dict[str, Draw] = {
    "one × 10, beyond what is promised": noisy(
        lambda sizes, rates: 1 + 9.0 * (np.arange(sizes * rates) == 0)
    )
}


def false_verdicts(
    draw: Draw, sizes: int, rates: int, seeds: int, simulations: int
) -> tuple[float, float]:
    """Return how often batch sizes are wrongly called slower.

    Returns
    -------
    per_comparison : float
        The share of the comparisons with the winner whose verdict is wrongly slower.
    any_in_question : float
        The share of the simulations with any such verdict.
    """
    random = np.random.default_rng(1)
    wrong, compared, questions = 0, 0, 0
    for _ in range(simulations // _AT_ONCE):
        race = draw(random, _AT_ONCE, sizes, rates, seeds)
        false = slower(race, rates) & race.is_fastest
        wrong += int(false.sum())
        compared += _AT_ONCE * (int(race.is_fastest.sum()) - 1)
        questions += int(false.any(axis=1).sum())
    return wrong / compared, questions / (simulations // _AT_ONCE * _AT_ONCE)


def power(
    ratio: float, noise: float, sizes: int, rates: int, seeds: int, simulations: int
) -> float:
    """Return how often batch sizes that are slower by a ratio are called slower.

    Each has one good learning rate; with the others it takes 1.5 times as long.

    Returns
    -------
    float
        The share of the slower batch sizes that are called slower.
    """
    random = np.random.default_rng(2)
    index = np.arange(sizes * rates)
    behind = np.log(np.where(index < rates, 1, ratio) * np.where(index % rates, 1.5, 1))
    found = 0
    for _ in range(simulations // _AT_ONCE):
        times = random.normal(scale=noise, size=(_AT_ONCE, len(index), seeds)) + behind[:, None]
        found += int(slower(Race(times, np.arange(sizes) == 0), rates)[:, 1:].sum())
    return found / (simulations // _AT_ONCE * _AT_ONCE * (sizes - 1))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--simulations", type=int, default=20_000, help="of each number, in 500s")
    simulations = parser.parse_args().simulations
    designs = [(*design, seeds) for design in DESIGNS for seeds in SEEDS]
    print("False: per comparison / any in a question, %\n")
    print("| noise | " + " | ".join(f"{s} × {r}, {n} seeds" for s, r, n in designs) + " |")
    print("|---" * (len(designs) + 1) + "|")
    for name, draw in (SCENARIOS | BEYOND).items():
        rows = (false_verdicts(draw, *design, simulations) for design in designs)
        print(f"| {name} | " + " | ".join(f"{100 * a:.1f} / {100 * b:.1f}" for a, b in rows) + " |")
    print("\nDetected: slower batch sizes that are called slower, %\n")
    kinds = [(ratio, noise) for noise in NOISES for ratio in RATIOS]
    print("| | " + " | ".join(f"{ratio} at {noise}" for ratio, noise in kinds) + " |")
    print("|---" * (len(kinds) + 1) + "|")
    for sizes, rates, seeds in designs:
        rows = (power(*kind, sizes, rates, seeds, simulations) for kind in kinds)
        found = " | ".join(f"{100 * share:.0f}" for share in rows)
        print(f"| {sizes} × {rates}, {seeds} seeds | {found} |", flush=True)


if __name__ == "__main__":
    main()
