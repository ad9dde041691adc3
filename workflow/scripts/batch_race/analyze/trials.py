"""The trained runs of a race: who leads, who contends, and what is settled."""

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import groupby
from statistics import median
from typing import Any

import numpy as np

from batch_race.analyze import looks
from batch_race.analyze.contrasts import ragged_contrasts
from batch_race.analyze.rate_search import Standing
from batch_race.plan.race import Race
from batch_race.store import crossings
from batch_race.store.rounds import Trial


def known_seconds(trial: Trial) -> dict[int, float]:
    """Return the seconds to the targets that a run is known to have reached."""
    return trial.bounds | (trial.times or {})


def median_seconds(trials: Sequence[Trial], target: int) -> float:
    """Return the median of some runs' seconds to a target; infinite where half did not reach it."""
    return median(known_seconds(each).get(target, math.inf) for each in trials)


def median_undisturbed(trials: Sequence[Trial], target: int) -> float:
    """Return the median of runs' seconds to a target, or at their mean pace if that is shorter.

    A disturbance of a tenth of a second is much of the time to a target that is near, and little of
    the time of a whole run.
    """
    return median(
        min(
            known_seconds(each).get(target, math.inf),
            each.steps.get(target, math.inf) * each.pace,
        )
        for each in trials
    )


class Trials:
    """The trained runs of a race, by comparison group.

    Parameters
    ----------
    race : Race
    trials : sequence of Trial
        With their results. Those that were only planned are left out.

    Attributes
    ----------
    factor : float
        That of the pruning; infinite without.
    """

    def __init__(self, race: Race, trials: Sequence[Trial]) -> None:
        self.factor = race.parts["factor"] or math.inf
        self._entrants = race.parts["entrants"]
        self._most_seeds = race.most_seeds
        self._targets = crossings.listed(race.parts["targets"])
        self._trials = [trial for trial in trials if trial.group]
        self._fastest: dict[tuple[Any, ...], float] = {}

    @cached_property
    def by_group(self) -> dict[tuple[Any, ...], list[Trial]]:
        """The runs by comparison group."""
        groups: dict[tuple[Any, ...], list[Trial]] = {}
        for trial in self._trials:
            groups.setdefault(tuple(trial.group), []).append(trial)
        return groups

    def batch_size(self, trial: Trial) -> int:
        """Return the batch size of a run."""
        return int(self._entrants[trial.entrant]["values"]["batch_size"])

    def leader(self, trial: Trial, target: int) -> Trial | None:
        """Return the run of the same comparison group and seed that was at a target first."""
        return self._leaders.get((tuple(trial.group), trial.seed, target))

    @cached_property
    def _leaders(self) -> dict[tuple[Any, ...], Trial]:
        """By group, seed and target."""
        leaders: dict[tuple[Any, ...], Trial] = {}
        for trial in self._trials:
            for target, seconds in known_seconds(trial).items():
                key = tuple(trial.group), trial.seed, target
                if key not in leaders or seconds < known_seconds(leaders[key])[target]:
                    leaders[key] = trial
        return leaders

    def fastest(self, group: Sequence[Any], target: int) -> float:
        """Return the lowest median of a comparison group; infinite if none reached the target."""
        key = tuple(group), target
        if key not in self._fastest:
            medians = (median_seconds(same, target) for same in self.configurations(group, target))
            self._fastest[key] = min(medians, default=math.inf)
        return self._fastest[key]

    def configurations(self, group: Sequence[Any], target: int) -> Iterator[list[Trial]]:
        """Yield the runs of each configuration of a group that are trained for a target."""

        def key(trial: Trial) -> tuple[int, int, float]:
            return self.batch_size(trial), trial.entrant, trial.learning_rate

        trials = [each for each in self.by_group[tuple(group)] if target in each.targets]
        for _, same in groupby(sorted(trials, key=key), key=key):
            yield list(same)

    def standings(self, trials: Sequence[Trial], target: int) -> dict[float, Standing]:
        """Return how each learning rate stands with a target; not those that were only planned."""
        standings = {}
        for rate in {trial.learning_rate for trial in trials}:
            same = [
                each for each in trials if each.learning_rate == rate and target in each.targets
            ]
            if same and all(each.group for each in same):
                standings[rate] = Standing(median_seconds(same, target), self.end(same, target))
        return standings

    def contenders(
        self, configurations: Sequence[Sequence[Trial]], medians: Sequence[float], target: int
    ) -> list[int]:
        """Return the indices of the configurations that may win, the fastest first.

        They are those within the factor of the fastest, or so at the mean pace of their runs, and
        if these are all of one batch size, the fastest of another.
        """

        def rank(index: int) -> tuple[float, float, float]:
            same = configurations[index]
            soonest = min(known_seconds(each).get(target, math.inf) for each in same)
            return medians[index], soonest, self.end(same, target)

        order = sorted(range(len(medians)), key=rank)
        sizes = [self.batch_size(same[0]) for same in configurations]
        most = self.factor * medians[order[0]]
        near = [
            index
            for index in order
            if medians[index] <= most or median_undisturbed(configurations[index], target) <= most
        ]
        if len({sizes[index] for index in near}) == 1:
            near += [index for index in order if sizes[index] != sizes[order[0]]][:1]
        return near

    def is_settled(
        self, configurations: Sequence[Sequence[Trial]], medians: Sequence[float], target: int
    ) -> bool:
        """Return whether the runner-up is slower than the winner."""
        winner = int(np.argmin(medians))
        sizes = [self.batch_size(same[0]) for same in configurations]
        others = [index for index, size in enumerate(sizes) if size != sizes[winner]]
        if not others:
            return False
        runner_up = sizes[min(others, key=lambda index: medians[index])]
        seeds = sorted({each.seed for same in configurations for each in same})
        log_times = np.full((len(configurations), len(seeds)), np.nan)
        log_given = log_times.copy()
        for index, same in enumerate(configurations):
            for each in same:
                place = index, seeds.index(each.seed)
                seconds = known_seconds(each)
                log_times[place] = np.log(seconds.get(target, math.inf))
                spent = each.closed[target]["seconds"] if target in each.closed else each.seconds
                log_given[place] = np.log(max(spent, seconds.get(target, 0.0)))
        level = looks.level(len(configurations[winner]), self._most_seeds)
        difference, margin = ragged_contrasts(winner, log_times, log_given, sizes, level)
        own = [index for index, size in enumerate(sizes) if size == runner_up]
        return all(difference[index] > margin[index] for index in own)

    def end(self, trials: Sequence[Trial], target: int) -> float:
        """Return the median of some runs' last loss, or error: what a target is about."""
        kind = 0 if self._targets[target].metric == "loss" else 1
        return median(each.end[kind] for each in trials)
