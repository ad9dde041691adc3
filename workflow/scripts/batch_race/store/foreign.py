"""Tables that another machine made: nothing in them is believed before it is checked.

Their texts reach terminals, charts and the page, their numbers every computation. So each text is
short and has no control characters, each number is within the bounds of the configuration's schema,
and the tables are no larger than an experiment can be.
"""

import io
import math
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
from jsonschema import Draft202012Validator

from batch_race.errors import InputError, ResultError
from batch_race.hyperparameters import GROUP, REGISTRY, RUN, load_schema
from batch_race.store import crossings, history, parquet
from batch_race.texts import is_plain, quote

MAX_BYTES = 1 << 30
MAX_ROWS = 1_000_000
MAX_RUNS = 100_000
MAX_GROUPS = 1000
"""Comparison groups: each has an answer of its own."""

MAX_LETTERS = 200
"""Of a text."""

MAX_NUMBER = 1e18
"""Of seconds, steps and examples, which fit 64 bits."""

_WORDS = {
    "stopped": {"budget", "target", "diverged"},
    "subnormals": {"flushed", "kept"},
    "target": {"loss", "accuracy"},
    "source": {"grid", "evaluations"},
}
"""The columns with a choice of words."""

_KEYS: Mapping[str, Any] = load_schema()["properties"]

_MOST = {"training_loss": None, "test_accuracy": 100.0}
"""The largest numbers of columns, where it is not `MAX_NUMBER`; None allows what is not finite, as
the loss of a run that diverged."""


def read(name: str, of_histories: Path, of_crossings: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read the collected histories and crossings of another machine.

    Parameters
    ----------
    name : str
        Of the machine, in the configuration.
    of_histories, of_crossings : Path

    Returns
    -------
    histories : polars.DataFrame
        With the columns of `history.COLLECTED`.
    crossings : polars.DataFrame
        With the columns of `crossings.COLLECTED`.

    Raises
    ------
    InputError
        If a table is damaged, too large, or has values that no run has; the message names the
        machine, the file and the column.
    """
    # A target that was not reached has no costs.
    costs = {each for cost in crossings.COSTS for each in (cost, f"{cost}_low")}
    histories = _read(name, of_histories, history.COLLECTED)
    found = _read(name, of_crossings, crossings.COLLECTED, nullable=costs)
    if found.select(*RUN, "target", "target_value").is_duplicated().any():
        raise InputError(
            f"machines.{name}: {of_crossings}: found two rows for a run and target, expected one"
        )
    return histories, found


def _read(name: str, path: Path, schema: pl.Schema, nullable: Collection[str] = ()) -> pl.DataFrame:
    try:
        _check_size(path, schema)
        table, _ = parquet.read(path)
        parquet.check_columns(path, table.schema, schema)
        for column in table:
            _check_column(path, column, may_miss=column.name in nullable)
        for what, columns, most in (("runs", RUN, MAX_RUNS), ("groups", GROUP, MAX_GROUPS)):
            if (count := table.select(columns).n_unique()) > most:
                raise InputError(f"{path}: found {count:,} {what}, expected at most {most:,}")
    except ResultError as error:  # which the same command makes again only where it was made
        raise InputError(
            f"machines.{name}: {error.problem}; copy it again from that machine, after its "
            "workflow has run with this version"
        ) from error
    except InputError as error:
        raise InputError(f"machines.{name}: {error}") from error
    except pl.exceptions.PolarsError as error:
        reason = quote(str(error).partition("\n")[0], MAX_LETTERS)
        raise InputError(f"machines.{name}: {path}: found no table: {reason}") from error
    return table


def _check_size(path: Path, schema: pl.Schema) -> None:
    """Check the size of a file, and what its footer announces, before it is decoded."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise InputError(f"{path}: found {size:,} bytes, expected at most {MAX_BYTES:,}")
    content = parquet.read_content(path)
    parquet.check_columns(path, pl.Schema(pl.read_parquet_schema(io.BytesIO(content))), schema)
    n_rows = pl.scan_parquet(io.BytesIO(content)).select(pl.len()).collect().item()
    if n_rows > MAX_ROWS:
        raise InputError(f"{path}: found {n_rows:,} rows, expected at most {MAX_ROWS:,}")


def _check_column(path: Path, column: pl.Series, *, may_miss: bool) -> None:
    name = column.name
    if not may_miss and column.null_count() > 0:
        raise InputError(f"{path}: found no value in the column {name}, expected one in each row")
    values = column.drop_nulls().unique()
    if column.dtype == pl.String:
        _check_texts(path, name, values)
    if name in REGISTRY:
        bounds = Draft202012Validator(_KEYS[name]["items"])
        for value in values.to_list():
            is_number = not isinstance(value, float) or math.isfinite(value)
            if not (is_number and bounds.is_valid(value)):
                raise InputError(
                    f"{path}: found {value!r} in the column {name}, expected what the key {name} "
                    "of a configuration may be"
                )
    elif column.dtype.is_numeric():
        numbers = values.cast(pl.Float64)
        most = _MOST.get(name, MAX_NUMBER)
        # NaN is above all numbers.
        is_wrong = numbers < 0 if most is None else ~numbers.is_between(0, most)
        if is_wrong.any():
            raise InputError(
                f"{path}: found {numbers.filter(is_wrong)[0]:g} in the column {name}, expected "
                f"0 to {most or math.inf:g}"
            )


def _check_texts(path: Path, name: str, texts: Iterable[str]) -> None:
    for text in texts:
        if not 0 < len(text) <= MAX_LETTERS or not is_plain(text):
            raise InputError(
                f"{path}: found {quote(text)} ({len(text):,} characters) in the column {name}, "
                f"expected 1 to {MAX_LETTERS} without control characters"
            )
        if text not in _WORDS.get(name, {text}):
            words = ", ".join(sorted(_WORDS[name]))
            raise InputError(
                f"{path}: found {quote(text)} in the column {name}, expected one of {words}"
            )
