"""The steps at which runs reached their targets, as parquet: the one place with its columns."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from batch_race.hyperparameters import RUN
from batch_race.store import history, parquet
from nn import ranges
from nn.batches import MiniBatches
from nn.records import Evaluation, Reading
from nn.targets import Crossing, Target

COSTS = ("step", "examples", "training_seconds", "wall_seconds")

SCHEMA = pl.Schema(
    {
        "target": pl.String,
        "target_value": pl.Float64,
        **{
            name: pl.Float64 if "seconds" in name else pl.Int64
            for cost in COSTS
            for name in (cost, f"{cost}_low")
        },
        "source": pl.String,
    }
)
"""One row for each target.

`step`, `examples` and the seconds are those at the end of the step that reached the target, null if
none did or is known to. Each `_low` is its lower bound: the same cost at a step that is known to be
before it, or the value itself where that is the preceding step; of an unknown value, null if
that is the cost of the whole run. `source` is that of `nn.targets.Crossing`; if it
is `evaluations`, wall seconds include the evaluation.
"""

COLLECTED = pl.Schema([*((key, history.COLLECTED[key]) for key in RUN), *SCHEMA.items()])
"""The columns of collected crossings, which identify the run in each row."""


def listed(targets: Mapping[str, Sequence[float]]) -> list[Target]:
    """Return the targets of a configuration."""
    return [
        *(Target("loss", value) for value in targets["loss"]),
        *(Target("accuracy", value) for value in targets["accuracy"]),
    ]


def tabulate(
    found: Mapping[Target, Crossing],
    evaluations: Sequence[Evaluation],
    readings: Sequence[Reading],
    batches: MiniBatches,
) -> pl.DataFrame:
    """Return the cost of each target to a run.

    Parameters
    ----------
    found : mapping of Target to Crossing
    evaluations : sequence of Evaluation
        Their clocks are used for steps that have no reading.
    readings : sequence of Reading
        When steps ended.
    batches : MiniBatches

    Returns
    -------
    polars.DataFrame
        With the columns of `SCHEMA`.
    """
    clocks: dict[int, Evaluation | Reading] = {each.step: each for each in reversed(evaluations)}
    clocks |= {each.step: each for each in readings}

    def costs(step: int | None) -> dict[str, Any]:
        if step is None:
            return dict.fromkeys(COSTS)
        at = clocks[step]
        values = (step, batches.examples_after(step), at.training_seconds, at.wall_seconds)
        return dict(zip(COSTS, values, strict=True))

    rows = []
    for target, (step, before, source) in found.items():
        is_exact = before is None or (step is not None and before == step - 1)
        low = costs(step if is_exact else before)
        rows.append(
            {"target": target.metric, "target_value": target.value, "source": source}
            | costs(step)
            | {f"{cost}_low": value for cost, value in low.items()}
        )
    return pl.DataFrame(rows, schema=SCHEMA)


def write(path: Path, table: pl.DataFrame) -> None:
    """Write the crossings of a run, completely or not at all."""
    parquet.check_columns(path, table.schema, SCHEMA)
    parquet.write(path, table)


def read(path: Path) -> pl.DataFrame:
    """Read the crossings of a run.

    Raises
    ------
    InputError
        If the file was changed since it was written, or has other columns.
    """
    return _read(path, SCHEMA)


def collect(
    histories: Sequence[Path], found: Sequence[Path], targets: Mapping[str, Sequence[float]]
) -> pl.DataFrame:
    """Return the crossings of many runs as one table.

    Parameters
    ----------
    histories : sequence of Path
        results/train/<run>/history.parquet
    found : sequence of Path
        results/find_crossings/<run>/<targets>.parquet, of the runs whose crossings were looked for.
    targets : mapping of str to sequence of float
        Those that were not looked for are taken from the run's own evaluations.

    Returns
    -------
    polars.DataFrame
        With the columns of `COLLECTED`.

    Raises
    ------
    InputError
        If a file was changed since it was written, or has other columns or metadata.
    """
    asked = list(dict.fromkeys(listed(targets)))
    of_runs = {_run(path): path for path in found}
    tables = [pl.DataFrame(schema=COLLECTED)]
    for of_history in histories:
        of_crossings = of_runs.get(_run(of_history))
        rows = _rows(read(of_crossings)) if of_crossings else {}
        if left := [target for target in asked if target not in rows]:
            table, metadata = history.read(of_history)
            rows |= _rows(_coarse(left, table, metadata))
        else:
            metadata = history.read_metadata(of_history)
        table = pl.DataFrame([rows[target] for target in asked], schema=SCHEMA)
        tables.append(of_run(table, metadata))
    return pl.concat(tables)


def _run(path: Path) -> tuple[str, ...]:
    """Return the parts of a run's name: dataset, run and budget."""
    return path.parts[-4:-1]


def _rows(table: pl.DataFrame) -> dict[Target, dict[str, Any]]:
    return {Target(row["target"], row["target_value"]): row for row in table.to_dicts()}


def _coarse(
    targets: Sequence[Target], table: pl.DataFrame, metadata: Mapping[str, Any]
) -> pl.DataFrame:
    """Return the cost of targets by the evaluations of a run."""
    evaluations = history.evaluations(table)
    found = {target: ranges.from_evaluations(evaluations, target) for target in targets}
    specification = metadata["specification"]
    size, leftover = specification["batch_size"], specification["leftover"]
    batches = MiniBatches(metadata["training_images"], size, leftover)
    return tabulate(found, evaluations, (), batches)


def of_run(table: pl.DataFrame, metadata: Mapping[str, Any]) -> pl.DataFrame:
    """Return the crossings of a run with the columns that identify it, from its metadata."""
    run = history.constants(metadata)
    constants = (pl.lit(run[key], COLLECTED[key]).alias(key) for key in RUN)
    return table.select(*constants, *SCHEMA)


def read_collected(path: Path) -> pl.DataFrame:
    """Read a table of collected crossings.

    Raises
    ------
    InputError
        If the file was changed since it was written, or has other columns.
    """
    return _read(path, COLLECTED)


def _read(path: Path, schema: pl.Schema) -> pl.DataFrame:
    table, _ = parquet.read(path)
    parquet.check_columns(path, table.schema, schema)
    return table
