"""Programs run at a terminal that this program plays, to see what a user sees."""

import codecs
import os
import pty
import select
import shlex
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pyte

ROWS = 24

LIMIT_SECONDS = 600.0
"""For a program, so that one which waits for what never comes is ended."""

HISTORY = 10_000
"""Lines that are kept of those above the top of the screen."""


class Screen:
    """The characters on a terminal and those that have scrolled off its top.

    Parameters
    ----------
    columns : int
    encoding : str
    """

    def __init__(self, columns: int, encoding: str = "utf-8") -> None:
        self._screen = pyte.HistoryScreen(columns, ROWS, HISTORY)
        self._stream = pyte.Stream(self._screen)
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")

    @property
    def text(self) -> str:
        """All lines, without blanks at their ends."""
        rows = [*self._screen.history.top, *map(self._screen.buffer.__getitem__, range(ROWS))]
        columns = range(self._screen.columns)
        lines = ("".join(row[column].data for column in columns).rstrip() for row in rows)
        return "\n".join(lines).rstrip("\n")

    def feed(self, sent: bytes) -> None:
        """Show what a program has sent; it may end within a sequence or a character."""
        self._stream.feed(self._decoder.decode(sent))


def run(
    command: Sequence[str],
    folder: Path,
    columns: int,
    watch: Callable[[str, "subprocess.Popen[bytes]"], None] = lambda text, process: None,
    environment: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    seconds: float = LIMIT_SECONDS,
) -> tuple[int, str]:
    """Run a command at a terminal.

    Parameters
    ----------
    command : sequence of str
    folder : Path
        Where it runs.
    columns : int
        Width of the terminal.
    watch : callable
        Called with the text on the screen, whenever that has changed, and the process.
    environment : mapping, optional
        Variables besides the present ones.
    encoding : str
        Of the terminal.
    seconds : float
        Limit of its time. Then, or if `watch` raises, its process group is killed.

    Returns
    -------
    int
        Its exit status.
    str
        The text on the screen at the end, and above it.

    Raises
    ------
    TimeoutError
        If it takes longer; with the text on the screen.
    """
    until = time.monotonic() + seconds
    here, there = pty.openpty()
    termios.tcsetwinsize(there, (ROWS, columns))
    process = subprocess.Popen(  # noqa: S603
        command,
        cwd=folder,
        stdin=there,
        stdout=there,
        stderr=there,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", **(environment or {})},
    )
    os.close(there)
    screen = Screen(columns, encoding)
    try:
        with open(here, "rb", buffering=0) as sent:  # noqa: PTH123 - a descriptor
            while part := _read(sent.fileno(), until):
                screen.feed(part)
                watch(screen.text, process)
        return process.wait(max(0.0, until - time.monotonic())), screen.text
    except BaseException as error:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, TimeoutError | subprocess.TimeoutExpired):
            raise TimeoutError(
                f"{shlex.join(command)}: still there after {seconds:g} s, with this on the screen:"
                f"\n{screen.text}"
            ) from error
        raise


def _read(descriptor: int, until: float) -> bytes:
    """Return what was sent, empty once the terminal is closed; wait until a time at most."""
    if not select.select([descriptor], [], [], max(0.0, until - time.monotonic()))[0]:
        raise TimeoutError
    try:
        return os.read(descriptor, 65536)
    except OSError:  # on Linux, that the program has closed the terminal
        return b""
