"""The history of a run, as parquet: the one place that knows its columns and metadata."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_type_hints

import polars as pl

from batch_race.errors import ResultError
from batch_race.hyperparameters import REGISTRY
from batch_race.store import parquet
from nn.records import Evaluation

FORMAT = "6"
"""Raised whenever a column, what the metadata has, or the meaning of either changes."""

_TYPES: Mapping[type, type[pl.DataType]] = {
    int: pl.Int64,
    float: pl.Float64,
    bool: pl.Boolean,
    str: pl.String,
}

HYPERPARAMETERS: Mapping[str, type[pl.DataType]] = {
    name: _TYPES[each.kind] for name, each in REGISTRY.items()
}

SCHEMA = pl.Schema(
    {
        **HYPERPARAMETERS,
        **{name: _TYPES[kind] for name, kind in get_type_hints(Evaluation).items()},
    }
)
"""One row for each evaluation: the hyperparameters of the run, and the fields of an evaluation,
whose units are those of `nn.records.Evaluation`."""

METADATA = (
    "specification",
    "stopped",
    "contention",
    "processors",
    "threads_used",
    "subnormals",
    "fingerprint",
    "training_images",
    "training_data",
    "pixel_scaling",
    "machine",
    "versions",
    "engine",
)
"""What a history says of its run, each as JSON in the file's metadata."""

_OF_RUN: Mapping[str, type[pl.DataType]] = {
    "subnormals": pl.String,
    "training_images": pl.Int64,
    "stopped": pl.String,
    "contended": pl.Boolean,
    "machine": pl.String,
    "software": pl.String,
}

COLLECTED = pl.Schema([*SCHEMA.items(), *_OF_RUN.items()])
"""The columns of collected histories: what tells a run from others, and how it ended, in each row.

A machine is known by its processor's model, the software by the versions that times depend on.
"""

_TIMED = ("numpy", "scipy")
"""Packages that compute during each step; with `elementwise: numexpr` that one does too."""


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
    constants = {key: specification[key] for key in REGISTRY}
    return pl.DataFrame([constants | row for row in rows], schema=SCHEMA)


def evaluations(table: pl.DataFrame) -> list[Evaluation]:
    """Return the evaluations in a run's table."""
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
    InputError
        If the table or the metadata is not what a history has.
    """
    parquet.check_columns(path, table.schema, SCHEMA)
    _check_metadata(path, metadata)
    texts = {key: json.dumps(value, sort_keys=True) for key, value in metadata.items()}
    parquet.write(path, table, {"format": FORMAT, **texts})


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
    InputError
        If the file is not as it was written, or its format, columns or metadata are not those of a
        history.
    """
    table, texts = parquet.read(path)
    metadata = _metadata(path, texts)
    parquet.check_columns(path, table.schema, SCHEMA)
    return table, metadata


def collect(paths: Sequence[Path]) -> pl.DataFrame:
    """Concatenate the histories of many runs.

    Parameters
    ----------
    paths : sequence of Path
        At least one.

    Returns
    -------
    polars.DataFrame
        The rows of each history in turn, with the columns of `COLLECTED`.

    Raises
    ------
    InputError
        If one is not as it was written, or its format, columns or metadata are not those of a
        history.
    """
    runs = pl.DataFrame(
        [{"path": str(path)} | _of_run(read_metadata(path)) for path in paths],
        schema={"path": pl.String, **_OF_RUN},
    )
    try:
        rows = pl.scan_parquet(list(paths), schema=SCHEMA, include_file_paths="path", glob=False)
        joined = rows.join(runs.lazy(), on="path", how="left", maintain_order="left")
        return joined.select(list(COLLECTED)).collect()
    except pl.exceptions.PolarsError:
        for path in paths:  # find the file at fault
            read(path)
        raise


def read_collected(path: Path) -> pl.DataFrame:
    """Read a table that `collect` made.

    Parameters
    ----------
    path : Path

    Returns
    -------
    polars.DataFrame
        With the columns of `COLLECTED`.

    Raises
    ------
    InputError
        If the file is not as it was written, or its columns are others.
    """
    table, _ = parquet.read(path)
    parquet.check_columns(path, table.schema, COLLECTED)
    return table


def read_metadata(path: Path) -> dict[str, Any]:
    """Read what a history says of its run, without the rows; see `read`."""
    return _metadata(path, parquet.read_metadata(path))


def constants(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of `COLLECTED` that are the same in each row of a run."""
    specification = metadata["specification"]
    return {key: specification[key] for key in REGISTRY} | _of_run(metadata)


def _metadata(path: Path, texts: Mapping[str, str]) -> dict[str, Any]:
    if texts.get("format") != FORMAT:
        raise ResultError(
            f"{path}: found a history of format {texts.get('format')}, expected {FORMAT}"
        )
    metadata = {key: json.loads(texts[key]) for key in METADATA if key in texts}
    _check_metadata(path, metadata)
    return metadata


def _of_run(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "subnormals": metadata["subnormals"],
        "training_images": metadata["training_images"],
        "stopped": metadata["stopped"],
        "contended": metadata["contention"]["contended"],
        "machine": metadata["machine"]["processor"],
        "software": _software(metadata),
    }


def _software(metadata: Mapping[str, Any]) -> str:
    """Return the versions that the times of a run depend on, as `Python 3.11, numpy 2.4.6, …`."""
    versions = metadata["versions"]
    python = ".".join(versions["python"].split(".")[:2])  # not that of a correction
    elementwise = metadata["specification"]["elementwise"]
    packages = [f"{name} {versions[name]}" for name in dict.fromkeys([*_TIMED, elementwise])]
    # Without their kernels, which follow from the processor.
    libraries = (library.rpartition(" ")[0] for library in metadata["machine"]["blas"].split(", "))
    parts = [f"Python {python}", *packages, *dict.fromkeys(libraries)]
    return ", ".join(filter(None, [*parts, f"engine {metadata['engine']}"]))


def _check_metadata(path: Path, metadata: Mapping[str, Any]) -> None:
    if set(metadata) != set(METADATA):
        raise ResultError(
            f"{path}: found the metadata {sorted(metadata)}, expected {sorted(METADATA)}"
        )
