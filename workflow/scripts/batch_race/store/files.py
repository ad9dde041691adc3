"""Files that are written completely or not at all, opening files, and locks on folders."""

import errno
import fcntl
import logging
import math
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

import psutil

from batch_race.errors import InputError, OutputError, UnreadableError

SILENT_SECONDS = 3.0
"""The longest wait without a message."""

POLL_SECONDS = 0.2

log = logging.getLogger(__name__)

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

WITHOUT_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF}
"""Errors of flock on file systems without it: Lustre, NFS without its lock daemon, or NFS's refusal
to lock a folder."""

OWN_FILE = os.O_RDWR | os.O_NOFOLLOW
"""How temporary files are opened. (A folder may be a link.)"""


class _NoLocksError(OSError):
    """A file system has no locks."""


def folder_of(key: str, text: str) -> Path:
    """Return the folder that a key of the configuration names.

    Parameters
    ----------
    key : str
        For the message.
    text : str
        A path; it may begin with `~`.

    Returns
    -------
    Path
        The folder may be missing.

    Raises
    ------
    InputError
        If the text is not a path, or has braces, which Snakemake would read as a pattern.
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


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading; never wait for a FIFO's writer.

    Raises
    ------
    OSError
        If the file cannot be opened, or is a folder, FIFO, socket or device.
    """
    # Checked before it is opened, which on a device may have an effect, and after.
    _check_regular(path.stat().st_mode)
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    try:
        _check_regular(os.fstat(file.fileno()).st_mode)
    except OSError:
        file.close()
        raise
    return file


def read_bytes(path: Path) -> bytes:
    """Read a whole file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    UnreadableError
        If it cannot be read now.
    """
    try:
        with open_regular(path) as file:
            return file.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read: {error.strerror or error}") from error


def set_aside(path: Path) -> Path:
    """Rename a file, so that nothing replaces it; return its new path.

    Raises
    ------
    OutputError
        If it cannot be renamed.
    """
    number = 1
    while (aside := path.with_name(f"{path.name}.kept-{number}")).exists():
        number += 1
    try:
        return path.rename(aside)
    except OSError as error:
        raise OutputError(f"{path}: cannot be renamed: {error.strerror}") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; rename it to `path` if the block succeeds.

    The temporary file is flushed to the disk before it is renamed, and the folder after: even a
    power failure leaves either the old file or the complete new one. If the block raises, the
    temporary file is removed and `path` is not changed. Temporary files of killed processes are
    removed too: the file of a living process is locked. (Where there are no locks, they stay.) The
    name cannot be guessed, and a file or link that has it is not written to.

    Parameters
    ----------
    path : Path
        The file to write. Missing parent folders are created.

    Yields
    ------
    Path
        In the same folder, with the same suffix.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
        with _open(temporary, OWN_FILE | os.O_CREAT | os.O_EXCL) as descriptor:
            try:
                with suppress(_NoLocksError):
                    _try_lock(descriptor)
                yield temporary
                _flush_to_disk(temporary)
                temporary.replace(path)
                _flush_to_disk(path.parent)
            finally:
                with suppress(OSError):  # it has been renamed
                    temporary.unlink()
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {_reason(error)}") from error


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files of `path` that killed processes left behind."""
    for other in path.parent.iterdir():
        if re.fullmatch(rf"\.[0-9a-f]+\.{re.escape(path.name)}", other.name):
            with suppress(OSError), _open(other, OWN_FILE) as descriptor:
                if _try_lock(descriptor):
                    other.unlink()


@contextmanager
def locked(folder: Path, say: Callable[[str], None] = log.warning) -> Iterator[None]:
    """Hold the lock of a folder; wait while another process holds it.

    The lock ends with the process, however that ends. Without locks in the file system, a warning
    is logged instead.

    Parameters
    ----------
    folder : Path
        Created if it is missing.
    say : callable
        Called once with a message, if the wait takes longer than `SILENT_SECONDS`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _open(folder) as descriptor:
        until = time.monotonic() + SILENT_SECONDS
        try:
            while not _try_lock(descriptor):
                if time.monotonic() > until:
                    say(f"{folder}: waiting for {_holder(descriptor)}, which has locked it")
                    until = math.inf
                time.sleep(POLL_SECONDS)
        except _NoLocksError as error:
            log.warning(
                "%s: not locked, its file system has no locks (%s); nothing keeps another process "
                "from the same run",
                folder,
                error.strerror,
            )
        yield


def _try_lock(descriptor: int) -> bool:
    """Lock a file or folder; return whether no other process holds its lock.

    Raises
    ------
    _NoLocksError
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in WITHOUT_LOCKS:
            raise _NoLocksError(error.errno, error.strerror) from error
        raise
    return True


def _holder(descriptor: int, locks: Path = Path("/proc/locks")) -> str:
    """Return the process that has locked a file, as far as Linux says it (proc_locks(5))."""
    inode = str(os.fstat(descriptor).st_ino)
    with suppress(OSError, ValueError, psutil.Error):
        for line in locks.read_text("utf-8").splitlines():
            _, kind, *_, holder, file = line.split()[:6]
            if kind == "FLOCK" and file.rpartition(":")[2] == inode:
                process = psutil.Process(int(holder))
                command = " ".join(Path(word).name for word in process.cmdline()[:2])
                return f"process {process.pid} ({command})"
    return "another process"


def _check_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "of another kind")
        raise OSError(errno.EINVAL, f"it is {kind}, expected a regular file")


def _flush_to_disk(path: Path) -> None:
    with _open(path) as descriptor:
        os.fsync(descriptor)


@contextmanager
def _open(path: Path, flags: int = os.O_RDONLY) -> Iterator[int]:
    """Yield a file descriptor; locking a file on NFS needs one for writing (flock(2))."""
    descriptor = os.open(path, flags, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> str:
    # NumPy's error has a count of bytes in place of the system's reason.
    return error.strerror or f"is the disk full? ({error})"
