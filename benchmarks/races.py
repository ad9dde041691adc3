"""Races in this process, with runs whose course is known: for simulations of the rounds' decisions.

A course says when a run would reach each target, and when its own evaluations would show it. The
rounds decide over such runs as over real ones, and the workflow's statistics judge the outcome.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from batch_race.analyze import comparison, decisions, rounds, statistics
from batch_race.analyze.comparison import Answer
from batch_race.analyze.measures import about_runs
from batch_race.analyze.outcomes import Result, Times
from batch_race.analyze.trials import known_seconds
from batch_race.hyperparameters import GROUP, REGISTRY, with_role
from batch_race.plan.race import PER_DOUBLING, Race
from batch_race.store.rounds import Round, Trial

MACHINE = {
    "machine": "simulated",
    "software": "simulated",
    "training_images": 60000,
    "subnormals": "flushed",
}
VALUES: dict[str, Any] = {key: each.kind(each.default) for key, each in REGISTRY.items()}
_SEED = with_role("repeated")[0]


STEP_SECONDS = 1e-7
"""Of each run, if nothing disturbs it."""


_DELAY = 1.1
"""How much later runs are expected at their targets than they are there."""


class Course(NamedTuple):
    """What a run would do with the whole budget.

    Attributes
    ----------
    times : sequence of float
        Seconds to each target; infinite for one that is missed.
    shown : sequence of float
        Seconds of the first evaluation at each target; infinite for one between two evaluations.
    undisturbed : sequence of float, optional
        Seconds to each target if all steps of the run took as long; by default the same as `times`.
    """

    times: Sequence[float]
    shown: Sequence[float]
    undisturbed: Sequence[float] | None = None


def budgets(whole: float, doublings: int) -> list[float]:
    """Return the budgets of a race, in seconds; those of a real one are rounded besides."""
    places = range(doublings * PER_DOUBLING, -1, -1)
    return [whole * 2 ** (-place / PER_DOUBLING) for place in places]


Courses = Mapping[tuple[int, float, int], Course]
"""By batch size, learning rate and seed."""


def plan(
    rates: Mapping[int, Sequence[float]],
    seeds: Sequence[int],
    targets: Mapping[str, Sequence[float]],
    budgets: Sequence[float],
    factor: float | None,
) -> Race:
    """Return a race of batch sizes at learning rates."""
    entrants = [
        {
            "values": VALUES | {"batch_size": size, "learning_rate": rate, "data": None},
            "seeds": list(seeds),
        }
        for size, tried in rates.items()
        for rate in tried
    ]
    limits = dict.fromkeys(("steps", "epochs", "loss", "accuracy"))
    return Race(
        {
            "entrants": entrants,
            "budgets": [limits | {"clock": "training", "seconds": each} for each in budgets],
            "evaluation": {},
            "folders": {VALUES["dataset"]: VALUES["dataset"]},
            "factor": factor,
            "first_seconds": 3 if factor else None,
            "targets": targets,
        }
    )


def run(race: Race, courses: Courses) -> Round:
    """Return the last round of a race."""
    decided = rounds.decide(race, Round(), {}, {})
    while not decided.is_over:
        decided = rounds.decide(race, decided, *outcome(race, decided, courses))
    return decided


def outcome(
    race: Race, decided: Round, courses: Courses
) -> tuple[dict[str, Result], dict[str, Times]]:
    """Return what the runs that a round asks for would find: results, and times to targets."""
    trials = {trial.name: trial for trial in decided.trials}
    return (
        {name: _result(race, trials[name], courses) for name in decided.train},
        {name: _times(race, trials[name], courses) for name in decided.find},
    )


def training_seconds(race: Race, last: Round) -> float:
    """Return the seconds that a race trained."""
    budgets = [each["seconds"] for each in race.parts["budgets"]]
    return math.fsum(budgets[trial.level] for trial in last.trials)


def answer(race: Race, last: Round, courses: Courses) -> list[Answer]:
    """Return the workflow's answer to a race."""
    made = about_runs(decisions.tabulate(race, last))
    sizes = [entrant["values"]["batch_size"] for entrant in race.parts["entrants"]]
    trials = {
        (sizes[trial.entrant], trial.learning_rate, trial.seed): trial for trial in last.trials
    }
    rows = []
    # By target, as the workflow's measures are.
    for row in made.sort("target", "target_value", maintain_order=True).to_dicts():
        course = courses[(row["batch_size"], row["learning_rate"], row[_SEED])]
        index = _index(race, row["target"], row["target_value"])
        trial = trials[(row["batch_size"], row["learning_rate"], row[_SEED])]
        value = known_seconds(trial).get(index)
        missed = "stopped" if row["rule"] == "slower" else "missed"
        rows.append(
            {key: row[key] for key in REGISTRY}
            | MACHINE
            | {
                "contended": False,
                "diverged": False,
                "measure": "seconds",
                "target": row["target"],
                "target_value": row["target_value"],
                "outcome": missed if value is None else "reached",
                "value": value,
                "value_low": None if value is None else course.times[index],
                "spent": row["seconds"],
            }
        )
    measures = pl.DataFrame(rows, infer_schema_length=None)
    # For the configuration that came nearest, which is not looked at here.
    ends = measures.with_columns(
        measure=pl.lit("final_loss"), outcome=None, value=None, target=None, target_value=None
    )
    measures = pl.concat([measures, ends.unique([*REGISTRY])], how="vertical_relaxed")
    return comparison.compare(measures, statistics.summarize(measures), race.most_seeds)


def _index(race: Race, metric: str, value: float) -> int:
    losses = race.parts["targets"]["loss"]
    if metric == "loss":
        return int(losses.index(value))
    return len(losses) + int(race.parts["targets"]["accuracy"].index(value))


def _course(race: Race, trial: Trial, courses: Courses) -> tuple[Course, float]:
    """Return a run's course and its present budget, in seconds."""
    size = race.parts["entrants"][trial.entrant]["values"]["batch_size"]
    budget = race.parts["budgets"][trial.level]["seconds"]
    return courses[(size, trial.learning_rate, trial.seed)], budget


def _result(race: Race, trial: Trial, courses: Courses) -> Result:
    course, budget = _course(race, trial, courses)
    values = race.parts["entrants"][trial.entrant]["values"]
    # A run is evaluated at its end.
    reached = [index for index, time in enumerate(course.times) if time <= budget]
    bounds = {
        index: min(course.shown[index], budget)
        for index in reached
        if math.isfinite(course.shown[index])
    }
    # Not to be compared with a loss: the less, the nearer is the next target.
    end = min((time for time in course.times if budget < time < math.inf), default=1e9)
    group = [(values | MACHINE)[key] for key in GROUP]
    undisturbed = course.undisturbed or course.times
    earliest = {index: course.times[index] for index in reached}
    earliest_steps = {index: round(undisturbed[index] / STEP_SECONDS) for index in reached}
    expected = {
        index: _DELAY * time for index, time in enumerate(course.times) if budget < time < math.inf
    }
    return Result(
        group,
        budget,
        STEP_SECONDS,
        "budget",
        [end, end],
        bounds,
        earliest,
        earliest_steps,
        expected,
    )


def _times(race: Race, trial: Trial, courses: Courses) -> Times:
    course, budget = _course(race, trial, courses)
    reached = [index for index in trial.sought if course.times[index] <= budget]
    undisturbed = course.undisturbed or course.times
    return Times(
        {index: course.times[index] for index in reached},
        {index: round(undisturbed[index] / STEP_SECONDS) for index in reached},
        {},
    )
