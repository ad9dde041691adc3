"""What a round of a race found: the results of its runs, and their times to targets."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from batch_race.analyze import outlook
from batch_race.hyperparameters import GROUP
from batch_race.store import crossings, history
from nn import ranges
from nn.targets import Target


class Result(NamedTuple):
    """What a round has to know of a trained run; the fields are those of `Trial`."""

    group: list[Any]
    seconds: float
    pace: float
    stopped: str
    end: list[float]
    bounds: dict[int, float]
    earliest: dict[int, float]
    earliest_steps: dict[int, int]
    expected: dict[int, float]


class Times(NamedTuple):
    """The targets that were looked for in a run, by their index.

    Attributes
    ----------
    seconds, steps : dict
        After which seconds and steps it reached them.
    missed : dict
        Before which seconds it did not, of those of which no more is known.
    """

    seconds: dict[int, float]
    steps: dict[int, int]
    missed: dict[int, float]


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
    last = table.row(-1, named=True)
    pace = last[f"{clock}_seconds"] / max(last["step"], 1)
    bounds, earliest, earliest_steps, expected = {}, {}, {}, {}
    for index, target in enumerate(crossings.listed(targets)):
        step, before, _ = ranges.from_evaluations(evaluations, target)
        if step is not None:
            bounds[index] = float(seconds[step])
        else:
            expected[index] = pace * outlook.expected_step(evaluations, target)
        earliest_step = 0 if step == 0 else before
        if earliest_step is not None:
            earliest[index] = float(seconds[earliest_step])
            earliest_steps[index] = earliest_step
    diverged = metadata["stopped"] == "diverged"
    end = [last["training_loss"], 100 - last["test_accuracy"]]
    return Result(
        [constants[key] for key in GROUP],
        last[f"{clock}_seconds"],
        pace,
        metadata["stopped"],
        [math.inf, math.inf] if diverged else end,
        bounds,
        earliest,
        earliest_steps,
        expected,
    )


def times(table: pl.DataFrame, targets: Mapping[str, Sequence[float]], clock: str) -> Times:
    """Return when a run was found to reach its targets.

    Parameters
    ----------
    table : polars.DataFrame
        The run's crossings.
    targets : mapping of str to sequence of float
    clock : {"training", "wall"}
    """
    rows = {Target(row["target"], row["target_value"]): row for row in table.to_dicts()}
    found = Times({}, {}, {})
    for index, target in enumerate(crossings.listed(targets)):
        row = rows.get(target, {})
        if row.get("step") is not None:
            found.seconds[index] = row[f"{clock}_seconds"]
            found.steps[index] = row["step"]
        elif row.get("step_low") is not None:
            found.missed[index] = row[f"{clock}_seconds_low"]
    return found
