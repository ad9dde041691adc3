"""One attempt to get a file from one address, and the check of what arrived.

An address is a path of this machine, a `file:` address, or an `https:` or `http:` address.
"""

import hashlib
import logging
import shutil
import sys
from http import HTTPStatus
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pooch  # type: ignore[import-untyped]
import requests
import urllib3

from batch_race.data.content import describe, unpacked
from batch_race.data.deadline import finish_within
from batch_race.errors import InputError
from batch_race.store.files import open_regular, replacing

CHUNK_BYTES = 1 << 16


class TransferError(Exception):
    """An address did not give the file; `is_temporary` if another attempt may succeed."""

    def __init__(self, reason: str, *, is_temporary: bool = False) -> None:
        super().__init__(reason)
        self.is_temporary = is_temporary


class Limits(NamedTuple):
    """The limits of one attempt.

    Attributes
    ----------
    timeout_seconds : float
        How long a server may be silent.
    deadline_seconds : float
        How long a download may take in all.
    max_bytes : int
        Size of the file.
    """

    timeout_seconds: float
    deadline_seconds: float
    max_bytes: int


class Checksums(NamedTuple):
    """Checksums of a file: SHA-256 in hexadecimal, or `algorithm:digest` for another of hashlib's.

    Attributes
    ----------
    published : str
        Of the file as it is published, gzipped.
    unpacked : str or None
        Of its content, if it is known: a file that has it, gzipped or not, is as good.
    """

    published: str
    unpacked: str | None = None


class _SizeLimitedFile:
    """A file that refuses to grow beyond a size."""

    def __init__(self, file: IO[bytes], max_bytes: int) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._bytes = 0

    def write(self, chunk: bytes) -> int:
        self._bytes += len(chunk)
        if self._bytes > self._max_bytes:
            raise TransferError(f"too large: more than {self._max_bytes:,} bytes")
        return self._file.write(chunk)

    def flush(self) -> None:
        self._file.flush()


def transfer(address: str, checksums: Checksums, destination: Path, limits: Limits) -> None:
    """Get a file, check it, and only then move it to its destination.

    Parameters
    ----------
    address : str
    checksums : Checksums
    destination : Path
    limits : Limits

    Raises
    ------
    TransferError
        If the address does not give the file. `destination` is as it was before.
    OutputError
        If `destination` cannot be written.
    """
    with replacing(destination) as temporary:
        _write(address, temporary, limits)
        _check(temporary, checksums, limits.max_bytes)


def _write(address: str, temporary: Path, limits: Limits) -> None:
    # The thread of an abandoned download holds this open file and not its path: once the file is
    # closed, nothing it receives can reach the next attempt's file.
    with temporary.open("wb") as file:
        limited = _SizeLimitedFile(file, limits.max_bytes)

        def work() -> None:
            if is_web(address):
                _download(address, limited, limits.timeout_seconds)
            else:
                _copy(local_path(address), limited)

        try:
            finish_within(limits.deadline_seconds, work)
        except TimeoutError as error:
            # Not temporary: another attempt would cost as much time again.
            reason = f"too slow: not complete within {limits.deadline_seconds:g} s"
            raise TransferError(reason) from error


def _check(path: Path, checksums: Checksums, max_bytes: int) -> None:
    with path.open("rb") as file:
        algorithm, found, expected = _hash(file, checksums.published, max_bytes)
    if found == expected or _has_content(path, checksums.unpacked, max_bytes):
        return
    kind = describe(path)
    known = "" if "unknown form" in kind else f"{kind}, "
    raise TransferError(
        f"not the right file: found {known}{path.stat().st_size:,} bytes with {algorithm} "
        f"{found[:12]}…, expected {expected[:12]}…"
    )


def _has_content(path: Path, checksum: str | None, max_bytes: int) -> bool:
    """Return whether a file, unpacked if it is gzipped, has a checksum."""
    if checksum is None:
        return False
    try:
        with unpacked(path) as file:
            _, found, expected = _hash(file, checksum, max_bytes)
    except InputError:  # a damaged gzip file
        return False
    return found == expected


def _hash(file: IO[bytes], checksum: str, max_bytes: int) -> tuple[str, str, str]:
    """Return the algorithm, the digest of what a file has up to a size, and the expected digest."""
    algorithm, _, expected = checksum.lower().rpartition(":")
    digest = hashlib.new(algorithm or "sha256")
    n_bytes = 0
    while n_bytes < max_bytes and (chunk := file.read(CHUNK_BYTES)):
        n_bytes += len(chunk)
        digest.update(chunk)
    return digest.name, digest.hexdigest(), expected


def local_path(address: str) -> Path:
    """Return the path that an address names.

    Raises
    ------
    TransferError
        If it is not an address of this machine.
    """
    if address.lower().startswith("file:"):
        parts = urlsplit(address)
        if parts.netloc not in ("", "localhost"):
            raise TransferError("found a host, expected file:/// and a folder of this machine")
        return Path(url2pathname(parts.path))
    if "://" in address:
        raise TransferError("expected a folder or a file:, https: or http: address")
    try:
        return Path(address).expanduser()
    except RuntimeError as error:  # no home folder
        raise TransferError(_text(error)) from error


def is_web(address: str) -> bool:
    """Return whether an address is one of a server."""
    return address.lower().startswith(("https://", "http://"))


def _copy(source: Path, file: _SizeLimitedFile) -> None:
    try:
        original = open_regular(source)
    except FileNotFoundError as error:
        raise TransferError(f"found no {source.name}") from error
    except OSError as error:
        raise TransferError(_text(error)) from error
    with original:
        shutil.copyfileobj(original, file)


def _download(url: str, file: _SizeLimitedFile, timeout_seconds: float) -> None:
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings repeat our reasons
    responses: list[requests.Response] = []
    downloader = pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty(),
        chunk_size=CHUNK_BYTES,
        timeout=timeout_seconds,
        # Otherwise a server may declare the file gzip-encoded, and it arrives unpacked.
        headers={"Accept-Encoding": "identity"},
        hooks={"response": lambda response, **_: responses.append(response)},
    )
    try:
        downloader(url, file, None)
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        raise _explain(error, timeout_seconds) from error
    finally:
        for response in responses:  # pooch leaves them, and their sockets, open
            response.close()


def _explain(error: Exception, timeout_seconds: float) -> TransferError:
    cause = _root_cause(error)
    if isinstance(error, requests.HTTPError) and error.response is not None:
        status = error.response.status_code
        return TransferError(_status_text(status), is_temporary=status == 429 or status >= 500)
    if isinstance(error, requests.TooManyRedirects):
        return TransferError("too many redirects")
    if isinstance(error, requests.exceptions.SSLError):
        return TransferError(f"no secure connection: {_text(cause)}")
    if isinstance(error, requests.exceptions.ProxyError):
        return TransferError(f"no connection to the proxy: {_text(cause)}", is_temporary=True)
    if isinstance(cause, TimeoutError):
        return TransferError(f"no response within {timeout_seconds:g} s", is_temporary=True)
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or isinstance(
        cause, ConnectionResetError
    ):
        return TransferError("the connection was lost", is_temporary=True)
    if isinstance(error, requests.ConnectionError):
        return TransferError(f"no connection: {_text(cause)}", is_temporary=True)
    if isinstance(error, requests.RequestException):  # an invalid address
        return TransferError(_text(error))
    return TransferError("invalid response")


def _root_cause(error: BaseException) -> BaseException:
    while deeper := error.__cause__ or error.__context__:
        error = deeper
    return error


def _status_text(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _text(error: BaseException) -> str:
    # The system's own text where there is one ("Connection refused"), without its number.
    text = (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]
    return text[:1].lower() + text[1:120].rstrip(".")
