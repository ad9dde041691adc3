"""Claims on names: on a machine, one process at a time holds a name, whoever runs it.

A name is an address in Linux's abstract namespace of Unix sockets. No file is involved: no umask,
owner, full or read-only disk, link or cleaner of temporary files matters. The kernel frees a name
when the process that holds it ends, however it ends.
"""

import errno
import pwd
import socket
import struct

from batch_race.errors import InputError

MAX_QUERIES = 128
"""How many processes may ask who holds a name; a later one is not answered."""

_CREDENTIALS = struct.Struct("3i")
"""Process, user and group, as Linux's SO_PEERCRED returns them (unix(7))."""


def claim(name: str) -> socket.socket | None:
    """Claim a name.

    Parameters
    ----------
    name : str

    Returns
    -------
    socket.socket or None
        Holds the name until it is closed; None if another process holds it.

    Raises
    ------
    InputError
        If the system refuses the name.
    """
    claimed = socket.socket(socket.AF_UNIX)
    try:
        claimed.bind(f"\0{name}")
        claimed.listen(MAX_QUERIES)
    except OSError as error:
        claimed.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise InputError(
            f"the lease {name!r}: cannot be made: {error.strerror or error}"
        ) from error
    return claimed


def holder(name: str) -> str:
    """Return which process holds a name.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
        As `process 4711 of ann`; empty if nobody holds it now, or the kernel does not say who.
    """
    with socket.socket(socket.AF_UNIX) as query:
        query.setblocking(False)
        try:
            query.connect(f"\0{name}")
            found = query.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        except OSError:
            return ""
    process, user, _ = _CREDENTIALS.unpack(found)
    return f"process {process} of {_user_name(user)}" if process else ""


def _user_name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"
