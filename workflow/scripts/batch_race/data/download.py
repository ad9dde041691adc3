"""Fetching a published file from the first of its mirrors that has it.

A mirror is a folder, a `file:` address, or an `https:` (or `http:`) base address. Whatever a
mirror gives is held against the file's checksum before it is put in its place, so a mirror need
not be trusted, only tried.
"""

import hashlib
import logging
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pooch  # type: ignore[import-untyped]
import requests
import urllib3

from batch_race.errors import InputError
from batch_race.store.files import replacing

WAYS_OUT = """\
Ways out:
  with copies of the four files in a folder of this machine:
    snakemake --cores 4 --config mirrors=/path/to/a/folder/with/the/four/files
  with no network at all, on the embedded dataset `strokes`, which the workflow draws itself:
    snakemake --cores 4 --configfile config/quickstart.yaml"""

CHUNK_BYTES = 1 << 16

MAX_BYTES = 1 << 30
"""Far more than any of the files has: a mirror that sends without end must not fill the disk."""

log = logging.getLogger(__name__)


class DownloadError(InputError):
    """No mirror gave the file; the message lists each one's reason, and the ways out."""


class _MirrorError(Exception):
    """A mirror did not give the file; `may_pass` if it might when asked again."""

    def __init__(self, reason: str, *, may_pass: bool = False) -> None:
        super().__init__(reason)
        self.may_pass = may_pass


class _Limits(NamedTuple):
    """What one attempt may take."""

    timeout_seconds: float
    deadline_seconds: float
    max_bytes: int


class _Bounded:
    """A file to write to, up to so many bytes."""

    def __init__(self, file: IO[bytes], max_bytes: int) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._bytes = 0

    def write(self, piece: bytes) -> int:
        self._bytes += len(piece)
        if self._bytes > self._max_bytes:
            raise _MirrorError(f"too large: more than {self._max_bytes:,} bytes")
        return self._file.write(piece)

    def flush(self) -> None:
        self._file.flush()


def expand_mirrors(mirrors: str | Sequence[str], dataset: str) -> list[str]:
    """Put the dataset's name in place of the text `{dataset}`.

    Parameters
    ----------
    mirrors : str or sequence of str
        Folders and addresses. A single one may be given as text, as the command line does.
    dataset : str
        The dataset's name.

    Returns
    -------
    list of str
        The mirrors in the same order; other braces are left as they are.
    """
    listed = [mirrors] if isinstance(mirrors, str) else mirrors
    return [mirror.replace("{dataset}", dataset) for mirror in listed]


def fetch(
    file_name: str,
    checksum: str,
    mirrors: Sequence[str],
    destination: Path,
    *,
    attempts: int = 3,
    timeout_seconds: float = 30,
    deadline_seconds: float = 600,
    max_bytes: int = MAX_BYTES,
    wait: Callable[[float], None] = time.sleep,
) -> str:
    """Fetch a file from the first mirror that gives it as it should be.

    What may pass (no connection, no answer, a status of 429 or 500 and above) is tried again on
    the same mirror, after 1, 2, 4, … seconds; anything else leads straight to the next mirror.
    The file is written beside `destination`, checked, and only then moved there.

    Parameters
    ----------
    file_name : str
        The file's name on every mirror.
    checksum : str
        Its SHA-256 in hexadecimal, or `algorithm:digest` for another of hashlib's algorithms.
    mirrors : sequence of str
        In the order to try: a folder (`~` is the home folder; a relative one starts from the
        current folder), a `file:` address of a folder, or an `https:` or `http:` base address.
    destination : Path
        Where the file is to be. A file that is there stays until the new one is whole.
    attempts : int
        How often each mirror is asked.
    timeout_seconds : float
        How long a server may be silent, in seconds.
    deadline_seconds : float
        How long one attempt may take in all, in seconds, however lively the server. The default
        suits a line of 45 kB/s and the largest of the files, 26 MB.
    max_bytes : int
        How large the file may be.
    wait : callable
        Waits for a number of seconds.

    Returns
    -------
    str
        The address, or path, that the file came from.

    Raises
    ------
    DownloadError
        If no mirror gives the file. `destination` is as it was before.
    OutputError
        If `destination` cannot be written.
    """
    reasons = []
    for mirror in mirrors:
        address = f"{mirror.rstrip('/')}/{file_name}"
        limits = _Limits(timeout_seconds, deadline_seconds, max_bytes)
        ask = partial(_ask, address, checksum, destination, limits)
        try:
            _persist(ask, address, attempts, wait)
        except _MirrorError as error:
            log.warning("%s: %s", address, error)
            reasons.append(f"  {mirror}: {error}")
        else:
            return address
    tried = "\n".join(reasons) or "  (no mirror is given)"
    raise DownloadError(f"{file_name} could not be had from any mirror:\n{tried}\n{WAYS_OUT}")


def _persist(
    ask: Callable[[], None], address: str, attempts: int, wait: Callable[[float], None]
) -> None:
    for count in range(1, attempts + 1):
        try:
            return ask()
        except _MirrorError as error:
            if not error.may_pass:
                raise
            if count == attempts:
                times = f" ({attempts} attempts)" if attempts > 1 else ""
                raise _MirrorError(f"{error}{times}") from error
            seconds = 2.0 ** (count - 1)
            log.warning("%s: %s; trying again in %g s", address, error, seconds)
            wait(seconds)


def _ask(address: str, checksum: str, destination: Path, limits: _Limits) -> None:
    with replacing(destination) as temporary:
        _write(address, temporary, limits)
        _check(temporary, checksum)


def _write(address: str, temporary: Path, limits: _Limits) -> None:
    is_web = address.lower().startswith(("https://", "http://"))
    # An attempt that is given up may still be running. It holds this open file and not its path,
    # so that, once the file is closed, nothing it receives can reach the next attempt's file.
    with temporary.open("wb") as file:
        bounded = _Bounded(file, limits.max_bytes)
        if is_web:
            timeout = limits.timeout_seconds
            _within(limits.deadline_seconds, lambda: _download(address, bounded, timeout))
        else:
            _copy(_local_path(address), bounded)


def _check(path: Path, checksum: str) -> None:
    algorithm, _, expected = checksum.lower().rpartition(":")
    algorithm = algorithm or "sha256"
    with path.open("rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if found != expected:
        raise _MirrorError(
            f"not the right file: found {path.stat().st_size:,} bytes with {algorithm} "
            f"{found[:12]}…, expected {expected[:12]}…"
        )


def _local_path(address: str) -> Path:
    if address.lower().startswith("file:"):
        parts = urlsplit(address)
        if parts.netloc not in ("", "localhost"):
            raise _MirrorError("a file: address begins with file:/// and a folder of this machine")
        return Path(url2pathname(parts.path))
    if "://" in address:
        raise _MirrorError("neither a folder nor a file:, https: or http: address")
    return Path(address)


def _copy(source: Path, file: _Bounded) -> None:
    try:
        original = source.expanduser().open("rb")
    except FileNotFoundError as error:
        raise _MirrorError(f"no {source.name} there") from error
    except (OSError, RuntimeError) as error:  # RuntimeError: the home folder of nobody
        raise _MirrorError(_in_words(error)) from error
    with original:
        shutil.copyfileobj(original, file)


def _within(deadline_seconds: float, work: Callable[[], None]) -> None:
    # No timeout of a socket bounds the whole: each byte that trickles in starts it anew, and the
    # search for a host's name has none. A thread can be left behind; a daemon ends with us.
    failures: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(deadline_seconds)
    if thread.is_alive():
        # Not tried again: what was too slow once would cost as much time again.
        raise _MirrorError(f"too slow: not complete within {deadline_seconds:g} s")
    if failures:
        raise failures[0]


def _download(url: str, file: _Bounded, timeout_seconds: float) -> None:
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings say what our reasons say
    responses: list[requests.Response] = []
    downloader = pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty(),
        chunk_size=CHUNK_BYTES,
        timeout=timeout_seconds,
        # Otherwise a server may mark the file as gzip for transport, and it arrives unpacked.
        headers={"Accept-Encoding": "identity"},
        hooks={"response": lambda response, **_: responses.append(response)},
    )
    try:
        downloader(url, file, None)
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        raise _explained(error, timeout_seconds) from error
    finally:
        for response in responses:  # pooch leaves them, and their sockets, open
            response.close()


def _explained(error: Exception, timeout_seconds: float) -> _MirrorError:
    cause = _root_cause(error)
    if isinstance(error, requests.HTTPError) and error.response is not None:
        status = error.response.status_code
        return _MirrorError(_status_in_words(status), may_pass=status == 429 or status >= 500)
    if isinstance(error, requests.TooManyRedirects):
        return _MirrorError("redirected without end")
    if isinstance(error, requests.exceptions.SSLError):
        return _MirrorError(f"no secure connection: {_in_words(cause)}")
    if isinstance(error, requests.exceptions.ProxyError):
        return _MirrorError(f"no connection through the proxy: {_in_words(cause)}", may_pass=True)
    if isinstance(cause, TimeoutError):
        return _MirrorError(f"no answer within {timeout_seconds:g} s", may_pass=True)
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or isinstance(
        cause, ConnectionResetError
    ):
        return _MirrorError("the connection broke off", may_pass=True)
    if isinstance(error, requests.ConnectionError):
        return _MirrorError(f"no connection: {_in_words(cause)}", may_pass=True)
    if isinstance(error, requests.RequestException):  # an address that cannot be one
        return _MirrorError(_in_words(error))
    return _MirrorError("the answer makes no sense")


def _root_cause(error: BaseException) -> BaseException:
    while deeper := error.__cause__ or error.__context__:
        error = deeper
    return error


def _status_in_words(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _in_words(error: BaseException) -> str:
    # The system's own text where there is one ("Connection refused"), without its number.
    text = (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]
    return text[:1].lower() + text[1:120].rstrip(".")
