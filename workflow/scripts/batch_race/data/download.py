"""Downloads of published files: the choice among mirrors, and the attempts at each.

A mirror is a folder, a `file:` address, or an `https:` (or `http:`) base address. Every file is
checked against its checksum before it is moved to its destination, so a mirror need not be trusted.
"""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from batch_race.data.originals.find import find_role
from batch_race.data.transfer import (
    Checksums,
    Limits,
    TransferError,
    is_web,
    local_path,
    transfer,
)
from batch_race.errors import InputError

ALTERNATIVES = """\
Alternatives:
  with copies of the four files in a folder of this machine:
    snakemake --cores 4 --config mirrors=/path/to/a/folder/with/the/four/files
  with no network at all, on the embedded dataset `strokes`, which the workflow draws itself:
    snakemake --cores 4 --configfile config/quickstart.yaml"""

MAX_BYTES = 1 << 30
"""Far more than any of the files has: a server that sends without end must not fill the disk."""

log = logging.getLogger(__name__)


class DownloadError(InputError):
    """No mirror gave the file; the message lists each one's reason, and the alternatives."""


def expand_mirrors(mirrors: str | Sequence[str], dataset: str) -> list[str]:
    """Replace the text `{dataset}` by the dataset's name.

    Parameters
    ----------
    mirrors : str or sequence of str
        Folders and addresses. A single one may be given as text, as the command line does.
    dataset : str
        The dataset's name.

    Returns
    -------
    list of str
        The mirrors in the same order; other braces are kept.
    """
    listed = [mirrors] if isinstance(mirrors, str) else mirrors
    return [mirror.replace("{dataset}", dataset) for mirror in listed]


def fetch(
    file_name: str,
    checksums: Checksums,
    mirrors: Sequence[str],
    destination: Path,
    *,
    role: str | None = None,
    attempts: int = 3,
    timeout_seconds: float = 30,
    deadline_seconds: float = 600,
    max_bytes: int = MAX_BYTES,
    wait: Callable[[float], None] = time.sleep,
) -> str:
    """Download a file from the first mirror that has it.

    After a temporary failure (no connection, no response, a status of 429 or 500 and above) the
    same mirror is tried again, after 1, 2, 4, … seconds; after any other, the next mirror is.

    Parameters
    ----------
    file_name : str
        The file's name on every mirror.
    checksums : Checksums
    mirrors : sequence of str
        In the order to try: a folder (`~` is the home folder; a relative one starts from the
        current folder), a `file:` address of a folder, or an `https:` or `http:` base address.
    destination : Path
        The file to write. An old one stays until the new one is complete.
    role : str, optional
        As train_images: of a folder, idx files of this role under other names are tried too.
    attempts : int
        For each mirror.
    timeout_seconds : float
        How long a server may be silent, in seconds.
    deadline_seconds : float
        How long one attempt may take in all, in seconds. The default is enough for 26 MB, the
        largest of the files, at 45 kB/s.
    max_bytes : int
        Size of the file at most.
    wait : callable
        Sleeps for a number of seconds.

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
    limits = Limits(timeout_seconds, deadline_seconds, max_bytes)
    reasons = []
    for mirror in mirrors:
        mirror_reasons: list[str] = []
        for address in _addresses(mirror, file_name, role):
            try:
                attempt = partial(transfer, address, checksums, destination, limits)
                _retry(attempt, address, attempts, wait)
            except TransferError as error:
                log.warning("%s: %s", address, error)
                name = "" if not mirror_reasons else f"{Path(address).name} is "
                mirror_reasons.append(f"{name}{error}")
            else:
                return address
        reasons.append(f"  {mirror}: {'; '.join(mirror_reasons)}")
    tried = "\n".join(reasons) or "  (no mirror is given)"
    raise DownloadError(
        f"{file_name} could not be downloaded from any mirror:\n{tried}\n{ALTERNATIVES}"
    )


def _addresses(mirror: str, file_name: str, role: str | None) -> list[str]:
    """Return where on a mirror a file may be: under its name, or in a folder under another."""
    address = f"{mirror.rstrip('/')}/{file_name}"
    if role is None or is_web(mirror):
        return [address]
    try:
        others = find_role(local_path(mirror), role)
    except (InputError, TransferError):  # the first attempt gives the reason
        others = []
    return [address, *(str(path) for path in others if path.name != file_name)]


def _retry(
    attempt: Callable[[], None], address: str, attempts: int, wait: Callable[[float], None]
) -> None:
    for count in range(1, attempts + 1):
        try:
            return attempt()
        except TransferError as error:
            if not error.is_temporary:
                raise
            if count == attempts:
                times = f" ({attempts} attempts)" if attempts > 1 else ""
                raise TransferError(f"{error}{times}") from error
            seconds = 2.0 ** (count - 1)
            log.warning("%s: %s; trying again in %g s", address, error, seconds)
            wait(seconds)
