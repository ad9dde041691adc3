"""The decisions between the rounds of a race: which runs go on, which are stopped, which begin.

With pruning,

- a run is stopped for a target once it has trained `factor` times as long as the first run of its
  comparison group and seed needed (adaptive capping: Hutter et al., ParamILS, JAIR 36, 2009); it
  goes on while it may still matter for one of its targets;
- one seed is trained of all configurations, further ones only of those whose median is within
  `factor` of the fastest, and of the fastest of another batch size where none is, until the verdict
  on the runner-up is settled (`looks`).

Learning rates that are to be found follow from those tried (`rate_search`). docs/method.md has the
errors of all this.
"""

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from batch_race.analyze import looks, rate_search
from batch_race.analyze.contrasts import ragged_contrasts
from batch_race.analyze.rate_search import Standing
from batch_race.hyperparameters import GROUP
from batch_race.plan.race import PER_DOUBLING, Race
from batch_race.plan.runs import AUTO
from batch_race.store import crossings, history
from batch_race.store.rounds import Round, Trial
from nn import ranges

_HEADROOM = 1.1
"""The budget of a further seed, over what the seeds before it needed."""


class Result(NamedTuple):
    """What a round has to know of a trained run; see `Trial` for the fields."""

    group: list[Any]
    seconds: float
    stopped: str
    end: list[float]
    bounds: dict[int, float]
    earliest: dict[int, float]


def result(
    table: pl.DataFrame,
    metadata: Mapping[str, Any],
    targets: Mapping[str, Sequence[float]],
    clock: str,
) -> Result:
    """Return the result of a run.

    Parameters
    ----------
    table, metadata
        As `history.read` gives them.
    targets : mapping of str to sequence of float
    clock : {"training", "wall"}
    """
    constants = history.constants(metadata)
    evaluations = history.evaluations(table)
    seconds = dict(zip(table["step"], table[f"{clock}_seconds"], strict=True))
    bounds, earliest = {}, {}
    for index, target in enumerate(crossings.listed(targets)):
        if (step := ranges.from_evaluations(evaluations, target).step) is not None:
            bounds[index] = float(seconds[step])
        if (step := ranges.earliest_step(evaluations, target)) is not None:
            earliest[index] = float(seconds[step])
    last = table.row(-1, named=True)
    diverged = metadata["stopped"] == "diverged"
    end = [last["training_loss"], 100 - last["test_accuracy"]]
    return Result(
        [constants[key] for key in GROUP],
        last[f"{clock}_seconds"],
        metadata["stopped"],
        [math.inf, math.inf] if diverged else end,
        bounds,
        earliest,
    )


def times(
    table: pl.DataFrame, targets: Mapping[str, Sequence[float]], clock: str
) -> dict[int, float]:
    """Return the seconds to the targets that a run was found to reach, by the target's index.

    Parameters
    ----------
    table : polars.DataFrame
        The run's crossings.
    targets : mapping of str to sequence of float
    clock : {"training", "wall"}
    """
    found = {
        (row["target"], row["target_value"]): row[f"{clock}_seconds"] for row in table.to_dicts()
    }
    known = map(found.get, crossings.listed(targets))
    return {index: seconds for index, seconds in enumerate(known) if seconds is not None}


def decide(
    race: Race,
    before: Round,
    results: Mapping[str, Result],
    found: Mapping[str, dict[int, float]],
) -> Round:
    """Decide what the next round does.

    Parameters
    ----------
    race : Race
    before : Round
        What was decided last; `Round()` before the first round.
    results : mapping of str to Result
        Those of the runs that were to be trained, by name.
    found : mapping of str to dict
        The `times` of the runs whose crossings were to be found, by name.
    """
    state = _State(race, copy.deepcopy(before))
    if before.number < 0:
        state.begin()
    else:
        state.learn(results, found)
        state.go_on()
    return state.decided


class _State:
    """The trials of a race while it is decided what comes next."""

    def __init__(self, race: Race, before: Round) -> None:
        parts = race.parts
        self._race = race
        self._entrants = parts["entrants"]
        self._is_pruned = parts["factor"] is not None
        self._factor = parts["factor"] or math.inf
        self._budgets = [budget["seconds"] for budget in parts["budgets"]]
        self._targets = crossings.listed(parts["targets"])
        self._every = list(range(len(self._targets)))
        self._seeds = {
            index: each["seeds"][: 1 if self._is_pruned else None]
            for index, each in enumerate(self._entrants)
        }
        """The seeds that all rates of an entrant begin with."""
        self._known_fastest: dict[tuple[Any, ...], float] = {}
        self.decided = Round(before.number + 1, trials=before.trials, decisions=before.decisions)

    def begin(self) -> None:
        """Plan the first round: each configuration, each searched one at its first rates."""
        for index, entrant in enumerate(self._entrants):
            asked = entrant["values"]["learning_rate"]
            rates = rate_search.start(entrant["values"]) if asked == AUTO else [asked]
            for rate in rates:
                if asked == AUTO:
                    self._note("start", index, rate)
                for seed in self._seeds[index]:
                    self._train(index, rate, seed, self._every, self._race.first_level)

    def learn(self, results: Mapping[str, Result], found: Mapping[str, dict[int, float]]) -> None:
        """Take in what was measured."""
        for trial in self.decided.trials:
            if (trained := results.get(trial.name)) is not None:
                trial.group = trained.group
                trial.seconds = trained.seconds
                trial.stopped = trained.stopped
                trial.end = trained.end
                trial.bounds = trained.bounds
                trial.earliest = trained.earliest
                trial.sought, trial.times = [], None
            if trial.name in found:
                trial.times = found[trial.name]

    def go_on(self) -> None:
        """Decide on longer runs and crossings; then on other rates; then on further seeds."""
        self._judge(self.decided.trials)
        has_asked = True
        while has_asked and not self._is_busy:
            self._search()
            has_asked = not self._is_busy and self._seed()
        self.decided.is_over = not self._is_busy

    @property
    def _is_busy(self) -> bool:
        return bool(self.decided.train or self.decided.find)

    def _judge(self, trials: Sequence[Trial]) -> None:
        """Train the runs for longer that may still matter for one of their targets."""
        still_open = [(trial, targets) for trial in trials if (targets := self._close(trial))]
        for trial, targets in still_open:
            leaders = [self._leader(trial.group, trial.seed, target) for target in targets]
            sought = {each.name for each in leaders if each}.intersection(self.decided.find)
            # With the crossings of the leaders, a round later, the caps are exact.
            if None in leaders or not sought:
                self._lengthen(trial, targets)

    def _close(self, trial: Trial) -> list[int]:
        """Record for which targets a run needs no more training; return the others."""
        still_open = []
        for target in trial.targets:
            closing = self._closing(trial, target)
            if closing is None:
                trial.closed.pop(target, None)
                still_open.append(target)
            elif target not in trial.closed or trial.closed[target]["rule"] != closing["rule"]:
                trial.closed[target] = {**closing, "round": self.decided.number}
        if not still_open:
            self._seek(trial)
        return still_open

    def _seek(self, trial: Trial) -> None:
        """Look for a run's crossings where its evaluations are not enough."""
        sought = [target for target in trial.targets if not self._is_known(trial, target)]
        if not sought:
            trial.times = trial.times or {}
        elif trial.times is None or not set(sought) <= set(trial.sought):
            trial.sought = sought
            trial.times = None
            self.decided.find.append(trial.name)

    def _is_known(self, trial: Trial, target: int) -> bool:
        """Return whether a run was never near a target, or was there too late to contend."""
        if target not in trial.earliest:
            return True
        leader = self._leader(trial.group, trial.seed, target)
        if target not in trial.bounds or leader is None:
            return False
        fastest = max(_known(leader)[target], self._fastest(trial.group, target))
        return trial.earliest[target] > self._factor * fastest

    def _closing(self, trial: Trial, target: int) -> dict[str, Any] | None:
        """Return why a run needs no more training for a target; None if it does."""
        spent = {"seconds": trial.seconds, "against": None, "leader_seconds": None}
        if target in _known(trial):
            return {"rule": "reached", **spent}
        if trial.stopped != "budget":
            return {"rule": "diverged" if trial.stopped == "diverged" else "ended", **spent}
        if self._race.is_whole(trial.level, trial.seconds):
            return {"rule": "budget", **spent}
        leader = self._leader(trial.group, trial.seed, target)
        if leader is None:
            return None
        seconds = _known(leader)[target]
        if trial.seconds < self._factor * seconds:
            return None
        against = [self._value(leader, "batch_size"), leader.learning_rate]
        return {"rule": "slower", **spent, "against": against, "leader_seconds": seconds}

    def _lengthen(self, trial: Trial, targets: Sequence[int]) -> None:
        leaders = [self._leader(trial.group, trial.seed, target) for target in targets]
        known = {index: leader for index, leader in zip(targets, leaders, strict=True) if leader}
        last = len(self._budgets) - 1
        if len(known) == len(targets):
            seconds = max(_known(each)[index] for index, each in known.items())
            trial.level = max(trial.level + 1, self._level(self._factor * seconds))
        else:
            trial.level = min(trial.level + PER_DOUBLING, last)
        run = trial.entrant, trial.learning_rate, trial.seed, trial.level
        trial.name = self._race.name(*run)
        self.decided.train.append(trial.name)

    def _level(self, seconds: float) -> int:
        """Return the smallest budget of at least so many seconds, or the last."""
        last = len(self._budgets) - 1
        return next((i for i, each in enumerate(self._budgets) if each >= seconds), last)

    def _leader(self, group: Sequence[Any], seed: int, target: int) -> Trial | None:
        """Return the run of a comparison group and seed that was at a target first."""
        return self._leaders.get((tuple(group), seed, target))

    @cached_property
    def _leaders(self) -> dict[tuple[Any, ...], Trial]:
        """By group, seed and target."""
        leaders: dict[tuple[Any, ...], Trial] = {}
        for group, trials in self._by_group.items():
            for trial in trials:
                for target, seconds in _known(trial).items():
                    key = group, trial.seed, target
                    if key not in leaders or seconds < _known(leaders[key])[target]:
                        leaders[key] = trial
        return leaders

    @cached_property
    def _by_group(self) -> dict[tuple[Any, ...], list[Trial]]:
        """The trained runs by comparison group."""
        groups: dict[tuple[Any, ...], list[Trial]] = {}
        for trial in self.decided.trials:
            if trial.group:
                groups.setdefault(tuple(trial.group), []).append(trial)
        return groups

    def _train(
        self, entrant: int, rate: float, seed: int, targets: Sequence[int], level: int
    ) -> None:
        """Begin a run with a budget."""
        name = self._race.name(entrant, rate, seed, level)
        self.decided.trials.append(Trial(name, entrant, rate, seed, level, list(targets)))
        self.decided.train.append(name)

    def _level_of_rate(self, entrant: int) -> int:
        """Return the budget of a learning rate that is tried late: after it, it may be stopped."""
        level = self._race.first_level
        values = self._entrants[entrant]["values"]
        of_group = [(index, values[key]) for index, key in enumerate(GROUP) if key in values]
        for group, trials in self._by_group.items():
            if self._is_pruned and all(group[index] == value for index, value in of_group):
                fastest = max(self._fastest(group, target) for target in self._every)
                if math.isfinite(fastest):
                    level = max(level, self._level(self._factor * fastest))
                else:  # all runs so far were not enough
                    level = max(level, *(trial.level for trial in trials))
        return level

    def _fastest(self, group: Sequence[Any], target: int) -> float:
        """Return the lowest median of a comparison group; infinite if none reached the target."""
        key = tuple(group), target
        if key not in self._known_fastest:
            medians = (_median(same, target) for same in self._configurations(group, target))
            self._known_fastest[key] = min(medians, default=math.inf)
        return self._known_fastest[key]

    def _value(self, trial: Trial, key: str) -> Any:
        return self._entrants[trial.entrant]["values"][key]

    def _note(self, rule: str, entrant: int, rate: float, **more: Any) -> None:
        about = {"round": self.decided.number, "rule": rule, "entrant": entrant}
        self.decided.decisions.append(about | {"learning_rate": rate, "target": None} | more)

    # Learning rates

    def _search(self) -> None:
        """Try other learning rates where those tried do not enclose the best."""
        for index, entrant in enumerate(self._entrants):
            if entrant["values"]["learning_rate"] != AUTO:
                continue
            own = [trial for trial in self.decided.trials if trial.entrant == index]
            for target in self._every:
                standings = self._standings(own, target)
                chance = self._has_a_chance(own, standings, target)
                for step in rate_search.further(standings, is_refined=chance):
                    if step.learning_rate not in {trial.learning_rate for trial in own}:
                        self._note(step.rule, index, step.learning_rate, target=target)
                        level = self._level_of_rate(index)
                        for seed in self._seeds[index]:
                            self._train(index, step.learning_rate, seed, self._every, level)
                own = [trial for trial in self.decided.trials if trial.entrant == index]

    def _standings(self, trials: Sequence[Trial], target: int) -> dict[float, Standing]:
        """Return how each learning rate stands with a target; not those that were only planned."""
        kind = 0 if self._targets[target].metric == "loss" else 1
        standings = {}
        for rate in {trial.learning_rate for trial in trials}:
            same = [
                each for each in trials if each.learning_rate == rate and target in each.targets
            ]
            if same and all(each.group for each in same):
                ends = median(each.end[kind] for each in same)
                standings[rate] = Standing(_median(same, target), ends)
        return standings

    def _has_a_chance(
        self, own: Sequence[Trial], standings: Mapping[float, Standing], target: int
    ) -> bool:
        """Return whether the best rate reached a target, with pruning within the factor."""
        seconds = min((each.seconds for each in standings.values()), default=math.inf)
        if not math.isfinite(seconds):
            return False
        return bool(seconds <= self._factor * self._fastest(own[0].group, target))

    # Seeds

    def _configurations(self, group: Sequence[Any], target: int) -> Iterator[list[Trial]]:
        """Yield the trials of each configuration of a group that are trained for a target."""

        def key(trial: Trial) -> tuple[int, int, float]:
            return self._value(trial, "batch_size"), trial.entrant, trial.learning_rate

        trials = [each for each in self._by_group[tuple(group)] if target in each.targets]
        for _, same in groupby(sorted(trials, key=key), key=key):
            yield list(same)

    def _seed(self) -> bool:
        """Train a further seed of the configurations that contend; return whether any is asked."""
        if not self._is_pruned:
            return False
        asked: dict[tuple[int, float, int], dict[int, float]] = {}
        for group in self._by_group:
            for target in self._every:
                for run, seconds in self._further_seeds(group, target):
                    asked.setdefault(run, {})[target] = seconds
        for (entrant, rate, seed), targets in asked.items():
            known = [
                trial
                for trial in self.decided.trials
                if (trial.entrant, trial.learning_rate, trial.seed) == (entrant, rate, seed)
            ]
            if not known:
                level = self._level(max(targets.values()))
                self._train(entrant, rate, seed, sorted(targets), level)
                continue
            (trial,) = known
            trial.targets = sorted({*trial.targets, *targets})
            self._judge([trial])
        return bool(asked)

    def _further_seeds(
        self, group: Sequence[Any], target: int
    ) -> Iterator[tuple[tuple[int, float, int], float]]:
        """Yield the runs that a target needs next, and the seconds that each will probably need.

        A run is an entrant, a learning rate and a seed. It is trained for longer if it needs more.
        """
        configurations = list(self._configurations(group, target))
        medians = [_median(same, target) for same in configurations]
        fastest = min(medians)
        if not 0 < fastest < math.inf:
            return
        contenders = [
            configurations[index] for index in self._contenders(configurations, medians, target)
        ]
        counts = {len(same) for same in contenders}
        is_level = len(counts) == 1 and counts != {1}
        if is_level and self._is_settled(configurations, medians, target):
            self._note_once("settled", contenders[0][0], target)
            return
        further = {
            index: seeds for index, same in enumerate(contenders) if (seeds := self._left(same))
        }
        fewest = min((len(contenders[index]) for index in further), default=0)
        for index, seeds in further.items():
            if len(contenders[index]) == fewest:  # the others wait until it has as many
                same = contenders[index]
                probable = min(_HEADROOM * _median(same, target), self._factor * fastest)
                yield (same[0].entrant, same[0].learning_rate, seeds[0]), probable

    def _left(self, same: Sequence[Trial]) -> list[int]:
        """Return the seeds that a configuration has not yet been trained with for a target."""
        made = {trial.seed for trial in same}
        return [seed for seed in self._entrants[same[0].entrant]["seeds"] if seed not in made]

    def _contenders(
        self, configurations: Sequence[Sequence[Trial]], medians: Sequence[float], target: int
    ) -> list[int]:
        """Return the indices of the configurations that may win, the fastest first."""
        kind = 0 if self._targets[target].metric == "loss" else 1

        def rank(index: int) -> tuple[float, float, float]:
            same = configurations[index]
            soonest = min(_known(each).get(target, math.inf) for each in same)
            return medians[index], soonest, median(each.end[kind] for each in same)

        def batch_size(index: int) -> int:
            return int(self._value(configurations[index][0], "batch_size"))

        order = sorted(range(len(medians)), key=rank)
        near = [index for index in order if medians[index] <= self._factor * medians[order[0]]]
        if len({batch_size(index) for index in near}) == 1:
            others = [index for index in order if batch_size(index) != batch_size(order[0])]
            near += others[:1]
        return near

    def _is_settled(
        self, configurations: Sequence[Sequence[Trial]], medians: Sequence[float], target: int
    ) -> bool:
        """Return whether the runner-up is slower than the winner."""
        winner = int(np.argmin(medians))
        sizes = [self._value(same[0], "batch_size") for same in configurations]
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
                log_times[place] = np.log(_known(each).get(target, math.inf))
                log_given[place] = np.log(max(each.seconds, _known(each).get(target, 0.0)))
        most = max(len(self._entrants[same[0].entrant]["seeds"]) for same in configurations)
        level = looks.level(len(configurations[winner]), most)
        difference, margin = ragged_contrasts(winner, log_times, log_given, sizes, level)
        own = [index for index, size in enumerate(sizes) if size == runner_up]
        return all(difference[index] > margin[index] for index in own)

    def _note_once(self, rule: str, trial: Trial, target: int) -> None:
        about = {"entrant": trial.entrant, "learning_rate": trial.learning_rate, "target": target}
        known = {"rule": rule, **about}.items()
        if not any(known <= decision.items() for decision in self.decided.decisions):
            self._note(rule, trial.entrant, trial.learning_rate, target=target)


def _known(trial: Trial) -> dict[int, float]:
    """Return the seconds to the targets that a run is known to have reached."""
    return trial.bounds | (trial.times or {})


def _median(trials: Sequence[Trial], target: int) -> float:
    return median(_known(each).get(target, math.inf) for each in trials)
