"""The decisions between the rounds of a race: which runs go on, which are stopped, which begin.

With pruning,

- while no run of a comparison group and seed has reached a target, those that will probably be
  there first are trained for longer, and the others wait;
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
from typing import Any

from batch_race.analyze import rate_search
from batch_race.analyze.outcomes import Result, Times
from batch_race.analyze.rate_search import Standing
from batch_race.analyze.trials import Trials, known_seconds, median_seconds
from batch_race.hyperparameters import GROUP
from batch_race.plan.race import PER_DOUBLING, Race
from batch_race.plan.runs import AUTO
from batch_race.store import crossings
from batch_race.store.rounds import Round, Trial

_AHEAD = 4
"""Runs that are trained for longer while none has reached a target."""

_HEADROOM = 1.1
"""A budget over what is probably needed, or at the fewest over the budget before."""


def decide(
    race: Race,
    before: Round,
    results: Mapping[str, Result],
    found: Mapping[str, Times],
) -> Round:
    """Decide what the next round does.

    Parameters
    ----------
    race : Race
    before : Round
        What was decided last; `Round()` before the first round.
    results : mapping of str to Result
        Those of the runs that were to be trained, by name.
    found : mapping of str to Times
        Those of the runs whose crossings were to be found, by name.
    """
    known = copy.deepcopy(before)
    _learn(known.trials, results, found)
    state = _State(race, known)
    if before.number < 0:
        state.begin()
    else:
        state.go_on()
    return state.decided


def _learn(
    trials: Sequence[Trial],
    results: Mapping[str, Result],
    found: Mapping[str, Times],
) -> None:
    """Take in what was measured."""
    for trial in trials:
        if (trained := results.get(trial.name)) is not None:
            for name, value in trained._asdict().items():
                setattr(trial, name, value)
            if trial.name not in found:
                trial.sought, trial.times, trial.missed = [], None, {}
        if trial.name in found:
            trial.times, trial.steps, trial.missed = found[trial.name]
            # An evaluation may be at a target where no step of the grid is.
            unfound = set(trial.sought) - set(trial.times)
            trial.bounds = {key: v for key, v in trial.bounds.items() if key not in unfound}


class _State:
    """A race while it is decided what comes next."""

    def __init__(self, race: Race, before: Round) -> None:
        parts = race.parts
        self._race = race
        self._entrants = parts["entrants"]
        self._is_pruned = parts["factor"] is not None
        self._budgets = [budget["seconds"] for budget in parts["budgets"]]
        self._every = list(range(len(crossings.listed(parts["targets"]))))
        self._seeds = {
            index: each["seeds"][: 1 if self._is_pruned else None]
            for index, each in enumerate(self._entrants)
        }
        """The seeds that all rates of an entrant begin with."""
        self._compared: dict[tuple[Any, ...], list[int]] = {}
        """The entrants by the hyperparameters that batch sizes are compared within."""
        for index, each in enumerate(self._entrants):
            within = tuple(each["values"].get(key) for key in GROUP)
            self._compared.setdefault(within, []).append(index)
        self.decided = Round(before.number + 1, trials=before.trials, decisions=before.decisions)
        self._trials = Trials(race, self.decided.trials)

    def begin(self) -> None:
        """Plan the first round: each configuration, each searched one at its first rates."""
        for index, entrant in enumerate(self._entrants):
            asked = entrant["values"]["learning_rate"]
            rates = [asked]
            if asked == AUTO:
                known = self._rates_asked(index)
                rates = [each for each in rate_search.start(entrant["values"]) if each not in known]
            for rate in rates:
                if asked == AUTO:
                    self._note("start", index, rate)
                for seed in self._seeds[index]:
                    self._train(index, rate, seed, self._every, self._race.first_level)

    def go_on(self) -> None:
        """Decide on longer runs and crossings; then on other rates; then on further seeds.

        Entrants that are compared take each step together, and wait for no others.
        """
        self._judge(self.decided.trials)
        for entrants in self._compared.values():
            has_asked = True
            while has_asked and not self._are_busy(entrants):
                self._search(entrants)
                has_asked = not self._are_busy(entrants) and self._seed(entrants)
        self.decided.is_over = not (self.decided.train or self.decided.find)

    def _are_busy(self, entrants: Sequence[int]) -> bool:
        asked = {*self.decided.train, *self.decided.find}
        return any(each.name in asked and each.entrant in entrants for each in self.decided.trials)

    def _judge(self, trials: Sequence[Trial]) -> None:
        """Train the runs for longer that may still matter for one of their targets."""
        still_open = [(trial, targets) for trial in trials if (targets := self._close(trial))]
        ahead = self._ahead(still_open)
        for trial, targets in still_open:
            leaders = {target: self._trials.leader(trial, target) for target in targets}
            sought = {each.name for each in leaders.values() if each}.intersection(
                self.decided.find
            )
            if trial.name in ahead:
                self._lengthen(trial, targets, ahead[trial.name])
            elif None not in leaders.values() and not sought:
                # With the crossings of the leaders, a round later, the caps are exact.
                seconds = max(known_seconds(each)[index] for index, each in leaders.items() if each)
                self._lengthen(trial, targets, self._level(self._trials.factor * seconds))

    def _ahead(self, still_open: Sequence[tuple[Trial, list[int]]]) -> dict[str, int]:
        """Return the runs that go ahead to a target that none has reached, and their next budgets.

        They are those that will probably be there first, or are nearest to it; all, if one of them
        has missed it in the whole budget.
        """

        def rank(trial: Trial, target: int) -> tuple[float, float]:
            return trial.expected.get(target, math.inf), self._trials.end([trial], target)

        pending: dict[tuple[Any, ...], list[Trial]] = {}
        for trial, targets in still_open:
            for target in targets:
                if self._trials.leader(trial, target) is None:
                    pending.setdefault((tuple(trial.group), trial.seed, target), []).append(trial)
        last = len(self._budgets) - 1
        ahead: dict[str, int] = {}
        for (group, seed, target), trials in pending.items():
            first = sorted(trials, key=lambda trial: rank(trial, target))
            for trial in first if self._is_missed(group, seed, target) else first[:_AHEAD]:
                doubled = min(trial.level + PER_DOUBLING, last)
                ahead[trial.name] = max(ahead.get(trial.name, 0), doubled)
        return ahead

    def _is_missed(self, group: Sequence[Any], seed: int, target: int) -> bool:
        """Return whether a run has missed a target in its whole budget."""
        return any(
            trial.seed == seed and trial.closed.get(target, {}).get("rule") == "budget"
            for trial in self._trials.by_group[tuple(group)]
        )

    def _close(self, trial: Trial) -> list[int]:
        """Record for which targets a run needs no more training; return the others."""
        still_open = []
        for target in trial.targets:
            closing = self._closing(trial, target)
            if closing is None:
                trial.closed.pop(target, None)
                still_open.append(target)
            else:
                known = trial.closed.get(target, {})
                is_same = known.get("rule") == closing["rule"]
                number = known["round"] if is_same else self.decided.number
                trial.closed[target] = {**closing, "round": number}
        if not still_open:
            self._seek(trial)
        return still_open

    def _seek(self, trial: Trial) -> None:
        """Look for a run's crossings where its evaluations are not enough."""
        sought = [target for target in trial.targets if not self._is_known(trial, target)]
        if not sought:
            trial.times = trial.times or {}
        elif trial.times is None or not set(sought) <= set(trial.sought):
            self._find(trial, sought)

    def _find(self, trial: Trial, targets: Sequence[int]) -> None:
        """Look for crossings; what was found before stays known, and is found again."""
        trial.sought = sorted({*trial.sought, *targets})
        self.decided.find.append(trial.name)

    def _is_known(self, trial: Trial, target: int) -> bool:
        """Return whether a run was never near a target, or was there too late to contend."""
        return target not in trial.earliest or self._is_late(trial, target)

    def _is_late(self, trial: Trial, target: int) -> bool:
        """Return whether a run's evaluations show that it was at a target too late to contend.

        That is so at the run's mean pace, too.
        """
        leader = self._trials.leader(trial, target)
        if leader is None or target not in trial.earliest:
            return False
        if target not in trial.bounds and trial.stopped != "budget":
            return False  # whether it was there before that end is to be found
        fastest = max(known_seconds(leader)[target], self._trials.fastest(trial.group, target))
        at_mean_pace = trial.earliest_steps[target] * trial.pace
        return min(trial.earliest[target], at_mean_pace) > self._trials.factor * fastest

    def _closing(self, trial: Trial, target: int) -> dict[str, Any] | None:
        """Return why a run needs no more training for a target; None if it does."""
        spent = {"seconds": trial.seconds, "against": None, "leader_seconds": None}
        if target in known_seconds(trial):
            return {"rule": "reached", **spent}
        if self._is_late(trial, target):
            return self._slower(trial, target, trial.earliest[target])
        if trial.stopped != "budget":
            return {"rule": "diverged" if trial.stopped == "diverged" else "ended", **spent}
        if self._race.is_whole(trial.level, trial.seconds):
            return {"rule": "budget", **spent}
        return self._slower(trial, target, trial.missed.get(target, trial.seconds))

    def _slower(self, trial: Trial, target: int, seconds: float) -> dict[str, Any] | None:
        """Return that a run not at a target after some seconds is slower; None if it may not be."""
        leader = self._trials.leader(trial, target)
        if leader is None or seconds < self._trials.factor * known_seconds(leader)[target]:
            return None
        return {
            "rule": "slower",
            "seconds": seconds,
            "against": [self._trials.batch_size(leader), leader.learning_rate],
            "leader_seconds": known_seconds(leader)[target],
        }

    def _lengthen(self, trial: Trial, targets: Sequence[int], most: int) -> None:
        """Train a run until it has probably reached its targets, with the budget `most` at most.

        No cap stops one that may have been at a target after some seconds, if its steps are not
        reproduced: it has the whole budget.
        """
        expected = max(trial.expected.get(target, math.inf) for target in targets)
        probable = self._level(max(expected, _HEADROOM * trial.seconds))
        trial.level = max(trial.level + 1, min(probable, most))
        if trial.missed:
            trial.level = len(self._budgets) - 1
        run = trial.entrant, trial.learning_rate, trial.seed, trial.level
        trial.name = self._race.name(*run)
        self.decided.train.append(trial.name)

    def _level(self, seconds: float) -> int:
        """Return the smallest budget of at least so many seconds, or the last."""
        last = len(self._budgets) - 1
        return next((i for i, each in enumerate(self._budgets) if each >= seconds), last)

    def _train(
        self, entrant: int, rate: float, seed: int, targets: Sequence[int], level: int
    ) -> Trial:
        """Begin a run with a budget."""
        name = self._race.name(entrant, rate, seed, level)
        trial = Trial(name, entrant, rate, seed, level, list(targets))
        self.decided.trials.append(trial)
        self.decided.train.append(name)
        return trial

    def _level_of_rate(self, entrant: int) -> int:
        """Return the budget of a learning rate that is tried late: after it, it may be stopped."""
        level = self._race.first_level
        values = self._entrants[entrant]["values"]
        of_group = [(index, values[key]) for index, key in enumerate(GROUP) if key in values]
        for group, trials in self._trials.by_group.items():
            if self._is_pruned and all(group[index] == value for index, value in of_group):
                fastest = max(self._trials.fastest(group, target) for target in self._every)
                if math.isfinite(fastest):
                    level = max(level, self._level(self._trials.factor * fastest))
                else:  # all runs so far were not enough
                    level = max(level, *(trial.level for trial in trials))
        return level

    def _note(self, rule: str, entrant: int, rate: float, **more: Any) -> None:
        about = {"round": self.decided.number, "rule": rule, "entrant": entrant}
        self.decided.decisions.append(about | {"learning_rate": rate, "target": None} | more)

    # Learning rates

    def _search(self, entrants: Sequence[int]) -> None:
        """Try other learning rates where those tried do not enclose the best."""
        for index in entrants:
            if self._entrants[index]["values"]["learning_rate"] != AUTO:
                continue
            for target in self._every:
                own = self._trials_of_search(index)
                standings = self._trials.standings(own, target)
                chance = self._has_a_chance(own, standings, target)
                for step in rate_search.further(standings, is_refined=chance):
                    if step.learning_rate not in {trial.learning_rate for trial in own}:
                        self._note(step.rule, index, step.learning_rate, target=target)
                        level = self._level_of_rate(index)
                        for seed in self._seeds[index]:
                            self._train(index, step.learning_rate, seed, self._every, level)

    def _rates_asked(self, entrant: int) -> list[float]:
        """Return the learning rates that are configured beside the search for the best."""
        asked = (
            self._entrants[each]["values"]["learning_rate"] for each in self._race.alike[entrant]
        )
        return [rate for rate in asked if rate != AUTO]

    def _trials_of_search(self, entrant: int) -> list[Trial]:
        """Return the runs of a search, and those of the rates that are configured beside it."""
        return [each for each in self.decided.trials if each.entrant in self._race.alike[entrant]]

    def _has_a_chance(
        self, own: Sequence[Trial], standings: Mapping[float, Standing], target: int
    ) -> bool:
        """Return whether the best rate reached a target, with pruning within the factor."""
        seconds = min((each.seconds for each in standings.values()), default=math.inf)
        if not math.isfinite(seconds):
            return False
        return bool(seconds <= self._trials.factor * self._trials.fastest(own[0].group, target))

    # Seeds

    def _seed(self, entrants: Sequence[int]) -> bool:
        """Train a further seed of the configurations that contend; return whether any is asked."""
        if not self._is_pruned:
            return False
        asked: dict[tuple[int, float, int], dict[int, float]] = {}
        groups = self._trials.by_group.items()
        for group in [group for group, trials in groups if trials[0].entrant in entrants]:
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
                trial = self._train(entrant, rate, seed, sorted(targets), level)
                self._find(trial, trial.targets)  # in the same round
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
        configurations = list(self._trials.configurations(group, target))
        medians = [median_seconds(same, target) for same in configurations]
        fastest = min(medians)
        if not 0 < fastest < math.inf:
            return
        contenders = [
            configurations[index]
            for index in self._trials.contenders(configurations, medians, target)
        ]
        counts = {len(same) for same in contenders}
        is_level = len(counts) == 1 and counts != {1}
        if is_level and self._trials.is_settled(configurations, medians, target):
            self._note_once("settled", contenders[0][0], target)
            return
        further = {
            index: seeds for index, same in enumerate(contenders) if (seeds := self._left(same))
        }
        fewest = min((len(contenders[index]) for index in further), default=0)
        most = min((count for count in counts if count > fewest), default=fewest + 1)
        for index, seeds in further.items():
            if len(contenders[index]) == fewest:  # the others wait until it has as many
                same = contenders[index]
                probable = min(
                    _HEADROOM * median_seconds(same, target), self._trials.factor * fastest
                )
                for seed in seeds[: most - fewest]:
                    yield (same[0].entrant, same[0].learning_rate, seed), probable

    def _left(self, same: Sequence[Trial]) -> list[int]:
        """Return the seeds that a configuration has not yet been trained with for a target."""
        made = {trial.seed for trial in same}
        return [seed for seed in self._entrants[same[0].entrant]["seeds"] if seed not in made]

    def _note_once(self, rule: str, trial: Trial, target: int) -> None:
        about = {"entrant": trial.entrant, "learning_rate": trial.learning_rate, "target": target}
        known = {"rule": rule, **about}.items()
        if not any(known <= decision.items() for decision in self.decided.decisions):
            self._note(rule, trial.entrant, trial.learning_rate, target=target)
