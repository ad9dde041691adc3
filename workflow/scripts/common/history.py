"""The history of a run, as parquet: the one place that knows its columns and metadata."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import polars as pl

from nn.trainer import Evaluation
from workflow.scripts.common.errors import InputError
from workflow.scripts.common.files import replacing

FORMAT = "1"
"""Raised whenever a column or the meaning of one changes."""

SCHEMA = pl.Schema(
    {
        "dataset": pl.String,
        "batch_size": pl.Int64,
        "learning_rate": pl.Float64,
        "hidden_nodes": pl.Int64,
        "seed": pl.Int64,
        "step": pl.Int64,
        "epoch": pl.Int64,
        "examples": pl.Int64,
        "training_seconds": pl.Float64,
        "wall_seconds": pl.Float64,
        "cpu_seconds": pl.Float64,
        "training_loss": pl.Float64,
        "test_accuracy": pl.Float64,
    }
)
"""One row for each evaluation; the units are those of `nn.trainer.Evaluation`."""

METADATA = (
    "specification",
    "stopped",
    "contention",
    "processors",
    "origin",
    "training_images",
    "machine",
    "versions",
)
"""What a history says of its run, each as JSON in the file's metadata."""

NOT_IN_SCHEMA = ("initializer", "inputs", "shuffle", "leftover", "threads")
"""What an experiment may sweep beside the columns of `SCHEMA`."""


class HistoryError(InputError):
    """A file that is not a history of this format; the message names it."""


def tabulate(evaluations: Sequence[Evaluation], specification: Mapping[str, Any]) -> pl.DataFrame:
    """Make the table of a run.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        At least one.
    specification : mapping
        The run's, which gives the columns that are the same in each row.

    Returns
    -------
    polars.DataFrame
        With the columns of `SCHEMA`.
    """
    rows = [asdict(evaluation) for evaluation in evaluations]
    constants = {key: specification[key] for key in SCHEMA if key not in rows[0]}
    return pl.DataFrame([constants | row for row in rows], schema=SCHEMA)


def evaluations(table: pl.DataFrame) -> list[Evaluation]:
    """Take the evaluations back out of a run's table."""
    columns = [field.name for field in fields(Evaluation)]
    return [Evaluation(**row) for row in table.select(columns).to_dicts()]


def write(path: Path, table: pl.DataFrame, metadata: Mapping[str, Any]) -> None:
    """Write a history, whole or not at all.

    Parameters
    ----------
    path : Path
    table : polars.DataFrame
        With the columns of `SCHEMA`.
    metadata : mapping
        The keys of `METADATA`.

    Raises
    ------
    HistoryError
        If the table or the metadata is not what a history has.
    """
    _check(path, table.schema, metadata)
    texts = {key: json.dumps(value, sort_keys=True) for key, value in metadata.items()}
    with replacing(path) as temporary:
        table.write_parquet(temporary, metadata={"format": FORMAT, **texts})


def read(path: Path) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Read a history.

    Parameters
    ----------
    path : Path

    Returns
    -------
    table : polars.DataFrame
        With the columns of `SCHEMA`.
    metadata : dict
        The keys of `METADATA`.

    Raises
    ------
    HistoryError
        If the file is damaged, or its format, columns or metadata are not those of a history.
    """
    try:
        texts = pl.read_parquet_metadata(path)
        table = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise HistoryError(f"{path}: expected a history, found a damaged file ({error})") from error
    if texts.get("format") != FORMAT:
        raise HistoryError(
            f"{path}: found a history of format {texts.get('format')}, expected {FORMAT}"
        )
    metadata = {key: json.loads(texts[key]) for key in METADATA if key in texts}
    _check(path, table.schema, metadata)
    return table, metadata


def with_run(table: pl.DataFrame, metadata: Mapping[str, Any]) -> pl.DataFrame:
    """Add to a history what tells its run from others, and how it ended.

    Parameters
    ----------
    table : polars.DataFrame
        With the columns of `SCHEMA`.
    metadata : mapping
        The keys of `METADATA`.

    Returns
    -------
    polars.DataFrame
        With the columns of `SCHEMA`, those of `NOT_IN_SCHEMA`, and training_images, stopped,
        contended and processor.
    """
    specification = metadata["specification"]
    return table.with_columns(
        *(pl.lit(specification[key]).alias(key) for key in NOT_IN_SCHEMA),
        *(pl.lit(metadata[key]).alias(key) for key in ("training_images", "stopped")),
        contended=pl.lit(metadata["contention"]["contended"]),
        processor=pl.lit(metadata["machine"]["processor"]),
    )


def _check(path: Path, schema: pl.Schema, metadata: Mapping[str, Any]) -> None:
    if schema != SCHEMA:
        raise HistoryError(
            f"{path}: found the columns {_written(schema)}, expected {_written(SCHEMA)}"
        )
    if set(metadata) != set(METADATA):
        raise HistoryError(
            f"{path}: found the metadata {sorted(metadata)}, expected {sorted(METADATA)}"
        )


def _written(schema: pl.Schema) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in schema.items())
