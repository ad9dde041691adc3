"""Programs run at a terminal that this program plays, to see what a user sees."""

import os
import pty
import re
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROWS = 24

SEQUENCE = re.compile(r"\x1b\[(\d*)([A-Za-z])|[\r\n\b]|[^\x1b\r\n\b]+|\x1b")


class Screen:
    """The characters on a terminal and those that have scrolled off its top.

    It knows what programs here send: text, carriage returns, line feeds and backspaces; the cursor
    up, and the line or screen erased from the cursor on. Colours are ignored.

    Parameters
    ----------
    columns : int
    """

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._lines: list[list[str]] = [[]]
        self._row = self._column = 0

    @property
    def text(self) -> str:
        """All lines, without blanks at their ends."""
        return "\n".join("".join(line).rstrip() for line in self._lines).rstrip("\n")

    def feed(self, sent: str) -> None:
        """Show what a program has sent.

        Raises
        ------
        ValueError
            If it has an escape sequence that this terminal does not know.
        """
        for found in SEQUENCE.finditer(sent):
            number, command = int(found[1] or 0), found[2]
            match found[0]:
                case "\r":
                    self._column = 0
                case "\n":
                    self._down()
                case "\b":
                    self._column = max(0, min(self._column, self._columns - 1) - 1)
                case text if command is None and text != "\x1b":
                    self._put(text)
                case _ if command == "A":
                    top = max(0, len(self._lines) - ROWS)
                    self._row = max(top, self._row - max(1, number))
                case _ if command in ("J", "K") and number == 0:
                    del self._lines[self._row][self._column :]
                    if command == "J":
                        del self._lines[self._row + 1 :]
                case _ if command != "m":
                    raise ValueError(f"the terminal was sent {found[0]!r}, which it does not know")

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self._lines):
            self._lines.append([])

    def _put(self, text: str) -> None:
        for character in text:
            if self._column == self._columns:
                self._column = 0
                self._down()
            line = self._lines[self._row]
            line += " " * (self._column + 1 - len(line))
            line[self._column] = character
            self._column += 1


def run(
    command: Sequence[str],
    folder: Path,
    columns: int,
    watch: Callable[[str, "subprocess.Popen[bytes]"], None] = lambda text, process: None,
    environment: Mapping[str, str] | None = None,
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

    Returns
    -------
    int
        Its exit status.
    str
        The text on the screen at the end, and above it.
    """
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
    screen = Screen(columns)
    pending = b""
    with open(here, "rb", buffering=0) as sent:  # noqa: PTH123 - a descriptor
        while part := _read(sent.fileno()):
            # Whole lines and sequences: a part may end within one, or within a character.
            pending += part
            whole = pending.decode("utf-8", "ignore")
            if "\x1b" in whole[-6:] and not re.search(r"\x1b\[\d*[A-Za-z][^\x1b]*$", whole):
                continue
            screen.feed(whole)
            pending = b""
            watch(screen.text, process)
    return process.wait(), screen.text


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # on Linux, that the program has closed the terminal
        return b""
