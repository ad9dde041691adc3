"""Tables on disk, as parquet with a checksum.

Readers of parquet check no checksum: a flipped bit may be read as another number, or crash the
reader. So the metadata of each file has the SHA-256 of the file, which is checked first. Other
programs can read the file as usual.
"""

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from batch_race.errors import InputError, ResultError
from batch_race.store.files import read_bytes, replacing
from batch_race.texts import escape

MAX_LETTERS = 400
"""Of the names of columns in a message."""

_PREFIX = b"batch-race-sha256:"
_BLANK = b"0" * 64  # in place of the checksum while that is computed


def write(path: Path, table: pl.DataFrame, metadata: Mapping[str, str] | None = None) -> None:
    """Write a table, completely or not at all.

    Parameters
    ----------
    path : Path
    table : polars.DataFrame
    metadata : mapping of str to str, optional
        The metadata of the file.
    """
    buffer = io.BytesIO()
    checksum = {"checksum": (_PREFIX + _BLANK).decode()}
    table.write_parquet(buffer, metadata={**(metadata or {}), **checksum})
    content = buffer.getvalue()
    with replacing(path) as temporary:
        temporary.write_bytes(content.replace(_PREFIX + _BLANK, _PREFIX + _digest(content)))


def read(path: Path) -> tuple[pl.DataFrame, dict[str, str]]:
    """Read a table.

    Parameters
    ----------
    path : Path
        A file written by `write`.

    Returns
    -------
    table : polars.DataFrame
    metadata : dict of str to str

    Raises
    ------
    InputError
        If the file cannot be read; a `ResultError` if it was changed since it was written.
    """
    content = read_content(path)
    return pl.read_parquet(content), pl.read_parquet_metadata(io.BytesIO(content))


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a table, checked as `read` does."""
    return pl.read_parquet_metadata(io.BytesIO(read_content(path)))


def check_columns(path: Path, found: pl.Schema, expected: pl.Schema) -> None:
    """Check the columns of a table.

    Raises
    ------
    ResultError
        If they are not the expected ones.
    """
    if found != expected:
        raise ResultError(
            f"{path}: found the columns {_format(found)}, expected {_format(expected)}"
        )


def read_content(path: Path) -> bytes:
    """Return the content of a table's file, checked against its checksum; see `read`."""
    try:
        content = read_bytes(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    start = content.rfind(_PREFIX) + len(_PREFIX)
    found = content[start : start + len(_BLANK)]
    if _digest(content[:start] + _BLANK + content[start + len(_BLANK) :]) != found:
        raise ResultError(
            f"{path}: found a table that is damaged, edited or of an older version, expected an "
            "unchanged one"
        )
    return content


def _format(schema: pl.Schema) -> str:
    text = escape(", ".join(f"{name} ({kind})" for name, kind in schema.items()))
    return text if len(text) <= MAX_LETTERS else f"{text[: MAX_LETTERS - 1]}…"


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
