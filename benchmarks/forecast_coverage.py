"""Simulate how often the intervals of the law and of its forecasts contain the truth.

    python -m benchmarks.forecast_coverage
    python -m benchmarks.forecast_coverage --simulations 200

Draws the steps of a few batch sizes from a known law, with noise, fits it and forecasts from it as
the workflow does, and prints a table in Markdown: the coverage of the intervals in percent. With
the default of 2,000 simulations it takes about two minutes.
"""

import argparse
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from batch_race.analyze.forecast import fastest_batch_size, step_seconds
from batch_race.analyze.law import Fit, fit

Array = npt.NDArray[np.float64]

S_MIN = 100.0
SIZES = ([1, 32, 128, 60_000], [8, 32, 128, 512], [1, 8, 32, 128, 1024])
SIZES += ([1, 8, 32, 128, 512, 2048, 8192, 60_000],)
WORKERS, COMMUNICATION_SECONDS = 4, 1e-4

Noise = Callable[[np.random.Generator, int], Array]
NOISES: dict[str, Noise] = {
    "normal, 0.05": lambda random, count: random.normal(scale=0.05, size=count),
    "normal, 0.15": lambda random, count: random.normal(scale=0.15, size=count),
    "Student's t (5), 0.1": lambda random, count: 0.1 * random.standard_t(5, count),
    "Student's t (3), 0.1": lambda random, count: 0.1 * random.standard_t(3, count),
}
"""Noise of the logarithms of steps."""


class Coverage(NamedTuple):
    """The shares of the simulations whose intervals contain the truth.

    Attributes
    ----------
    s_min, b_crit : float
        Among all simulations.
    batch_size, seconds, all_at_once : float
        Among those with a forecast: for the best batch size, for its seconds, and for all four.
    forecasts : float
        The share with a forecast: there is none where the fit is bad.
    """

    s_min: float
    b_crit: float
    batch_size: float
    seconds: float
    all_at_once: float
    forecasts: float


def coverage(sizes: Sequence[int], b_crit: float, noise: Noise, simulations: int) -> Coverage:
    """Compute the coverage by drawing steps, fitting and forecasting.

    Parameters
    ----------
    sizes : sequence of int
        Batch sizes.
    b_crit : float
        The true critical batch size.
    noise : callable
        Draws so many numbers from a random generator.
    simulations : int

    Returns
    -------
    Coverage
    """
    random = np.random.default_rng(1)
    log_steps = np.log(S_MIN * (1 + b_crit / np.asarray(sizes)))
    seconds_of = step_seconds(sizes, [2e-5 + 2e-6 * size for size in sizes])
    choices = np.unique(np.geomspace(sizes[0] * WORKERS, sizes[-1] * WORKERS, 200).round())
    times = S_MIN * (1 + b_crit / choices) * (seconds_of(choices / WORKERS) + COMMUNICATION_SECONDS)
    held, has_forecast = [], []
    for _ in range(simulations):
        law = fit(sizes, np.exp(log_steps + noise(random, len(sizes))).tolist())
        held.append([_holds(law.s_min, S_MIN), _holds(law.b_crit, b_crit)])
        has_forecast.append(law.verdict != "bad")
        held[-1] += _forecast_holds(law, seconds_of, choices, times)
    shares = np.array(held)
    made = shares[np.array(has_forecast)]
    every = made.all(axis=1)
    return Coverage(
        *shares[:, :2].mean(0), *made[:, 2:].mean(0), every.mean(), np.mean(has_forecast)
    )


def _forecast_holds(
    law: Fit, seconds_of: Callable[[Array], Array], choices: Array, times: Array
) -> list[bool]:
    found = fastest_batch_size(law, seconds_of, choices, WORKERS, COMMUNICATION_SECONDS)
    best = choices[times.argmin()]
    return [
        found["batch_size_low"] <= best <= found["batch_size_high"],
        found["seconds_low"] <= times.min() <= found["seconds_high"],
    ]


def _holds(interval: tuple[float, float | None, float | None], truth: float) -> bool:
    _, low, high = interval
    return (low is None or low <= truth) and (high is None or truth <= high)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--simulations", type=int, default=2000, help="of each row")
    simulations = parser.parse_args().simulations
    heading = ("batch sizes", "B_crit", "noise", "S_min", "B_crit", "best batch size", "seconds")
    print(f"| {' | '.join(heading)} | all at once | with a forecast |\n{'|---' * 9}|")
    for sizes in SIZES:
        for b_crit in (64.0, 1000.0):
            for name, noise in NOISES.items():
                found = coverage(sizes, b_crit, noise, simulations)
                shares = " | ".join(f"{100 * share:.1f}" for share in found)
                row = f"{', '.join(map(str, sizes))} | {b_crit:g} | {name} | {shares}"
                print(f"| {row} |", flush=True)


if __name__ == "__main__":
    main()
