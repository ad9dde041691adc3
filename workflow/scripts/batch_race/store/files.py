"""Files that are there whole or not at all, and folders that one process has to itself."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from batch_race.errors import InputError, OutputError


def folder_of(key: str, text: str) -> Path:
    """Take the text of a configuration for a folder.

    Parameters
    ----------
    key : str
        Where it stands in the configuration.
    text : str
        A path; it may begin with `~`.

    Returns
    -------
    Path
        The folder may be missing.

    Raises
    ------
    InputError
        If the text is no path, or has braces, which Snakemake would take for a pattern.
    """
    if not text.isprintable() or "{" in text or "}" in text:
        raise InputError(
            f"{key}: found {text[:60]!r}, expected a path without braces and control characters"
        )
    try:
        folder = Path(text).expanduser()
        folder.exists()
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "there is no such user"
        raise InputError(f"{key}: found {text[:60]!r}, expected a folder: {reason}") from None
    return folder


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; move it there when the block ends well.

    The temporary file is flushed to the disk before it is renamed, and the folder after, so
    that even a power cut leaves either the old file or the whole new one. When the block
    raises, the temporary file is removed and `path` stays as it was. One that a killed process
    left is removed too: it is locked as long as its process lives.

    Parameters
    ----------
    path : Path
        Where the file is to be. Missing parent folders are made.

    Yields
    ------
    Path
        Where to write it: the same folder, with `path`'s suffix.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
        with _open(temporary, os.O_RDWR | os.O_CREAT) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield temporary
            _flush_to_disk(temporary)
            temporary.replace(path)
            _flush_to_disk(path.parent)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {_reason(error)}") from error
    finally:
        with suppress(OSError):  # it was never made
            temporary.unlink()


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files of `path` that killed processes left."""
    for other in path.parent.iterdir():
        if re.fullmatch(rf"\.\d+\.{re.escape(path.name)}", other.name):
            with suppress(OSError), _open(other, os.O_RDWR) as descriptor:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                other.unlink()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, which ends with the process; wait while another has it.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _open(folder) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def _flush_to_disk(path: Path) -> None:
    with _open(path) as descriptor:
        os.fsync(descriptor)


@contextmanager
def _open(path: Path, flags: int = os.O_RDONLY) -> Iterator[int]:
    """Open a path; to lock a file on NFS it must be open for writing (flock(2))."""
    descriptor = os.open(path, flags, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> str:
    # NumPy only tells how much it could not write.
    return error.strerror or f"is the disk full? ({error})"
