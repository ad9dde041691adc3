"""The rounds of a race, as JSON: the state that a round ends with and the next begins with."""

import json
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from batch_race.store.files import replacing


@dataclass(slots=True)
class Trial:
    """A run of a race, as far as it has been trained.

    Attributes
    ----------
    name : str
        Of the run with its present budget, below results/train.
    entrant : int
        Its index among the race's entrants.
    learning_rate : float
    seed : int
    level : int
        The index of its budget.
    targets : list of int
        The indices of the targets that it is trained for.
    group : list
        Its values of `hyperparameters.GROUP`; empty before it was trained.
    seconds : float
        What it has trained, by the clock of the budget.
    pace : float
        Its mean seconds per step.
    stopped : str
        Why it ended, as in its history; empty before it was trained.
    end : list of float
        Its last training loss, and its last test error in percent; infinite if it diverged.
    bounds : dict of int to float
        The seconds of the first evaluation at a target, by the target's index; not of one that was
        looked for and not found.
    earliest : dict of int to float
        The seconds before which it has not reached a target, by the index of those at which it was
        evaluated near the target or better.
    earliest_steps : dict of int to int
        The steps at those.
    expected : dict of int to float
        The seconds after which it will probably be at a target at which it was never evaluated.
    sought : list of int
        The indices of the targets whose crossings are looked for.
    times : dict of int to float, or None
        The seconds to those of them that it reached; None until they are looked for.
    steps : dict of int to int
        The steps to those.
    missed : dict of int to float
        The seconds before which it did not reach targets of which no more could be found.
    closed : dict of int to Closing
        How its training for a target ended, by the target's index.
    """

    name: str
    entrant: int
    learning_rate: float
    seed: int
    level: int
    targets: list[int]
    group: list[Any] = field(default_factory=list)
    seconds: float = 0.0
    pace: float = 0.0
    stopped: str = ""
    end: list[float] = field(default_factory=list)
    bounds: dict[int, float] = field(default_factory=dict)
    earliest: dict[int, float] = field(default_factory=dict)
    earliest_steps: dict[int, int] = field(default_factory=dict)
    expected: dict[int, float] = field(default_factory=dict)
    sought: list[int] = field(default_factory=list)
    times: dict[int, float] | None = None
    steps: dict[int, int] = field(default_factory=dict)
    missed: dict[int, float] = field(default_factory=dict)
    closed: dict[int, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Round:
    """What was decided after a round.

    Attributes
    ----------
    number : int
        From 0.
    is_over : bool
        Whether the race is over: its results are those of the trials' names.
    train : list of str
        The names of the runs to train in the next round.
    find : list of str
        The names of the runs whose crossings are to be found in the next round.
    trials : list of Trial
        All so far.
    decisions : list of dict
        Those about configurations and learning rates; those about runs are in the trials.
    """

    number: int = -1
    is_over: bool = False
    train: list[str] = field(default_factory=list)
    find: list[str] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def sought(self) -> list[Trial]:
        """The trials whose crossings are to be found in the next round."""
        by_name = {trial.name: trial for trial in self.trials}
        return [by_name[name] for name in self.find]


_BY_TARGET = [each.name for each in fields(Trial) if "dict[int," in str(each.type)]
"""The fields of a trial that are by the target's index."""


def write(path: Path, decided: Round) -> None:
    """Write a round, completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(asdict(decided)) + "\n", encoding="utf-8")


def read(path: Path) -> Round:
    """Read a round."""
    return _read(path, path.stat().st_mtime_ns)


@lru_cache
def _read(path: Path, _changed: int) -> Round:
    parts = json.loads(path.read_text(encoding="utf-8"))
    trials = [Trial(**each) for each in parts.pop("trials")]
    for trial in trials:  # JSON's keys are texts
        for name in _BY_TARGET:
            if getattr(trial, name) is not None:
                setattr(trial, name, {int(key): v for key, v in getattr(trial, name).items()})
    return Round(**parts, trials=trials)
