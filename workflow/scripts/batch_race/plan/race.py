"""The plan of a race: an experiment in which only results decide which runs are made.

With `pruning`, runs that can no longer win are stopped; with `learning_rate: auto`, the rates to
try follow from those tried. Such an experiment is made in rounds (`analyze.rounds` decides them),
each of ordinary runs, whose budgets grow from round to round.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from batch_race.errors import InputError
from batch_race.hyperparameters import REGISTRY, with_role
from batch_race.plan import runs
from batch_race.plan.datasets import Dataset
from batch_race.plan.runs import AUTO, Specification

FEWEST_SECONDS = 0.4
"""The shortest budget, of a further seed whose targets are near."""

PER_DOUBLING = 64
"""Budgets from one to the double of it."""

_SEED = with_role("repeated")[0]


def plan(
    config: Mapping[str, Any],
    planned: Mapping[str, Specification],
    datasets: Mapping[str, Dataset],
) -> "Race | None":
    """Return the race that a configuration asks for; None if its runs do not depend on results.

    Parameters
    ----------
    config : mapping
        A complete configuration.
    planned : mapping of str to dict
        Its runs, as `runs.expand` lists them.
    datasets : mapping of str to Dataset

    Raises
    ------
    InputError
        If runs are to be pruned without a budget of seconds, or rates to be found without targets.
    """
    is_pruned = config["pruning"]["enabled"]
    is_searched = any(each["learning_rate"] == AUTO for each in planned.values())
    if not (is_pruned or is_searched):
        return None
    if is_pruned and config["budget"]["seconds"] is None:
        raise InputError("pruning: found a budget without seconds, expected budget.seconds")
    targets = runs.asked(config)
    if not any(targets.values()):
        raise InputError(
            f"targets: found none, expected at least one for "
            f"{'pruning' if is_pruned else 'learning_rate: auto'}"
        )
    entrants: dict[str, dict[str, Any]] = {}
    for specification in planned.values():
        # They keep their places: Snakemake takes the same parameters in another order for others.
        values = specification | dict.fromkeys((_SEED, "budget", "evaluation"))
        entrant = entrants.setdefault(json.dumps(values), {"values": values, "seeds": []})
        entrant["seeds"].append(specification[_SEED])
    listed = list(entrants.values())
    for entrant, same in zip(listed, _alike(listed), strict=True):
        # A rate beside a search is one of those tried, with all seeds of the search.
        of_searches = [
            seed
            for index in same
            if listed[index]["values"]["learning_rate"] == AUTO
            for seed in listed[index]["seeds"]
        ]
        entrant["seeds"] = list(dict.fromkeys([*of_searches, *entrant["seeds"]]))
    whole = next(iter(planned.values()))
    return Race(
        {
            "entrants": listed,
            "budgets": _budgets(whole["budget"], is_pruned=is_pruned),
            "evaluation": whole["evaluation"],
            "folders": {name: dataset.folder for name, dataset in datasets.items()},
            "factor": config["pruning"]["factor"] if is_pruned else None,
            "first_seconds": config["pruning"]["first_seconds"] if is_pruned else None,
            "targets": targets,
        }
    )


class Race:
    """A race.

    Parameters
    ----------
    parts : mapping
        All of it as plain values, which Snakemake can hand to a job: `entrants`, each with its
        `values`, a specification with None as seed, budget and evaluation, and its `seeds`;
        `budgets`, from the shortest to the whole, `PER_DOUBLING` to the double; `evaluation`;
        `folders`, the datasets' by name; `factor` and `first_seconds`, those of the pruning, None
        without; and `targets`, by metric.

    Attributes
    ----------
    parts : mapping
    """

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self.parts = parts

    def specification(
        self, entrant: int, learning_rate: float, seed: int, level: int
    ) -> Specification:
        """Return the specification of a run; `level` is the index of its budget."""
        values: Specification = self.parts["entrants"][entrant]["values"]
        return values | {
            "learning_rate": learning_rate,
            _SEED: seed,
            "budget": self.parts["budgets"][level],
            "evaluation": self.parts["evaluation"],
        }

    def name(self, entrant: int, learning_rate: float, seed: int, level: int) -> str:
        """Return the name of a run."""
        specification = self.specification(entrant, learning_rate, seed, level)
        return runs.name(specification, self.parts["folders"])

    @property
    def first_level(self) -> int:
        """The index of the first round's budget: the whole one, halved as often as possible."""
        budgets, fewest = self.parts["budgets"], self.parts["first_seconds"]
        last = len(budgets) - 1
        if fewest is None:
            return last
        halved = range(last % PER_DOUBLING, last, PER_DOUBLING)
        return next((level for level in halved if budgets[level]["seconds"] >= fewest), last)

    @property
    def most_seeds(self) -> int | None:
        """The seeds of a configuration whose verdicts are never settled; None without pruning."""
        if self.parts["factor"] is None:
            return None
        return max(len(entrant["seeds"]) for entrant in self.parts["entrants"])

    @cached_property
    def alike(self) -> list[list[int]]:
        """For each entrant, the indices of those with the same values but for the learning rate."""
        return _alike(self.parts["entrants"])

    def is_whole(self, level: int, seconds: float) -> bool:
        """Return whether a run needs no longer budget: it had the last, or another limit ended it.

        Parameters
        ----------
        level : int
        seconds : float
            Those of the run, by the clock of the budget.
        """
        budgets = self.parts["budgets"]
        return level == len(budgets) - 1 or bool(seconds < budgets[level]["seconds"])

    def find(self, name: str) -> Specification | None:
        """Return the specification of the run with a name; None if none of the race can have it."""
        rate = _RATE.search(name)
        level = self._levels.get(name.rpartition("/")[2])
        if rate is None or rate[1] == AUTO or level is None:
            return None
        for entrant, seed in self._by_shape.get(_shape(name), ()):
            asked = self.parts["entrants"][entrant]["values"]["learning_rate"]
            if asked == AUTO or rate[1] == str(asked):
                known = (entrant, float(rate[1]) if asked == AUTO else asked, seed, level)
                if self.name(*known) == name:
                    return self.specification(*known)
        return None

    @cached_property
    def _levels(self) -> dict[str, int]:
        """The indices of the budgets, by how they end a name."""
        first = self.parts["entrants"][0]
        run = 0, first["values"]["learning_rate"], first["seeds"][0]
        levels = range(len(self.parts["budgets"]))
        return {self.name(*run, level).rpartition("/")[2]: level for level in levels}

    @cached_property
    def _by_shape(self) -> dict[str, list[tuple[int, int]]]:
        """The entrants and seeds, by what their names have in common at all rates and budgets."""
        found: dict[str, list[tuple[int, int]]] = {}
        for entrant, each in enumerate(self.parts["entrants"]):
            for seed in each["seeds"]:
                name = self.name(entrant, each["values"]["learning_rate"], seed, 0)
                found.setdefault(_shape(name), []).append((entrant, seed))
        return found


def _alike(entrants: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """Return for each entrant the indices of those with the same values but for the rate."""
    keys = [json.dumps({**entrant["values"], "learning_rate": None}) for entrant in entrants]
    places: dict[str, list[int]] = {}
    for index, key in enumerate(keys):
        places.setdefault(key, []).append(index)
    return [places[key] for key in keys]


_RATE = re.compile(rf"-{REGISTRY['learning_rate'].label}_(\d[\d.]*(?:e[+-]?\d+)?|{AUTO})(?=-)")


def _shape(name: str) -> str:
    """Return a run's name without its learning rate, digest and budget."""
    without_budget = name.rpartition("/")[0]
    return _RATE.sub("", without_budget).rpartition("-")[0]


def _budgets(whole: Mapping[str, Any], *, is_pruned: bool) -> list[dict[str, Any]]:
    if not is_pruned:
        return [dict(whole)]
    count = PER_DOUBLING * max(0, math.floor(math.log2(whole["seconds"] / FEWEST_SECONDS)))
    shares = (2 ** (-place / PER_DOUBLING) for place in range(count, 0, -1))
    # To three digits, as they are written in the runs' names.
    shorter = [{**whole, "seconds": float(f"{share * whole['seconds']:.3g}")} for share in shares]
    return [*shorter, dict(whole)]
