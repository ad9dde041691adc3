"""The clock readings of a run at the steps of the grid, as parquet next to its history."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import polars as pl

from batch_race.store import parquet
from nn.records import Reading

NAME = "clock.parquet"

SCHEMA = pl.Schema(
    {"step": pl.Int64, "training_seconds": pl.Float64, "wall_seconds": pl.Float64},
)
"""One row for each step of the grid (`nn.grid`) and the last; see `nn.records.Reading`."""


def write(path: Path, readings: Sequence[Reading]) -> None:
    """Write the readings of a run, completely or not at all."""
    parquet.write(path, pl.DataFrame([asdict(reading) for reading in readings], schema=SCHEMA))


def read(path: Path) -> list[Reading]:
    """Read the readings of a run.

    Raises
    ------
    InputError
        If the file was changed since it was written, or has other columns.
    """
    table, _ = parquet.read(path)
    parquet.check_columns(path, table.schema, SCHEMA)
    return [Reading(**row) for row in table.to_dicts()]
