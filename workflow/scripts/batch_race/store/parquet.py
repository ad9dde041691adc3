"""Tables on disk, as parquet that shows when it was changed.

Parquet has no checksum that readers ask for: a flipped bit may come back as another number, and
may end the reader's process. So each table carries the SHA-256 of its own file, in the file's
metadata, which is looked at before anything else is. Other programs read the file as any parquet.
"""

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from batch_race.errors import InputError
from batch_race.store.files import replacing

_MARK = b"batch-race-sha256:"
_BLANK = b"0" * 64  # stands for the checksum while it is computed


def write(path: Path, table: pl.DataFrame, metadata: Mapping[str, str] | None = None) -> None:
    """Write a table, whole or not at all.

    Parameters
    ----------
    path : Path
    table : polars.DataFrame
    metadata : mapping of str to str, optional
        What the file is to say of itself.
    """
    buffer = io.BytesIO()
    checksum = {"checksum": (_MARK + _BLANK).decode()}
    table.write_parquet(buffer, metadata={**(metadata or {}), **checksum})
    content = buffer.getvalue()
    with replacing(path) as temporary:
        temporary.write_bytes(content.replace(_MARK + _BLANK, _MARK + _digest(content)))


def read(path: Path) -> tuple[pl.DataFrame, dict[str, str]]:
    """Read a table.

    Parameters
    ----------
    path : Path
        A file that `write` wrote.

    Returns
    -------
    table : polars.DataFrame
    metadata : dict of str to str

    Raises
    ------
    InputError
        If it cannot be read, or is not as it was written.
    """
    content = _checked(path)
    return pl.read_parquet(content), pl.read_parquet_metadata(io.BytesIO(content))


def read_metadata(path: Path) -> dict[str, str]:
    """Check a table as `read` does, but give the file's metadata alone."""
    return pl.read_parquet_metadata(io.BytesIO(_checked(path)))


def check_columns(path: Path, found: pl.Schema, expected: pl.Schema) -> None:
    """Refuse a table with other columns than expected.

    Raises
    ------
    InputError
    """
    if found != expected:
        raise InputError(
            f"{path}: found the columns {_written(found)}, expected {_written(expected)}"
        )


def _checked(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    start = content.rfind(_MARK) + len(_MARK)
    found = content[start : start + len(_BLANK)]
    if _digest(content[:start] + _BLANK + content[start + len(_BLANK) :]) != found:
        raise InputError(
            f"{path}: found a table that is damaged, edited or of an older version, expected it as "
            "it was written; remove it, and the same command makes it anew"
        )
    return content


def _written(schema: pl.Schema) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in schema.items())


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
