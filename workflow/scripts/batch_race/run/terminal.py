"""Lines that stay at the bottom of a terminal, below all that is written to it."""

import os
import textwrap
import threading
from collections.abc import Sequence
from typing import TextIO

CLEAR = "\r\x1b[J"
"""From the start of the cursor's line to the end of the screen."""

PLAIN = str.maketrans("▏▎▍▌▋▊▉█×…", "    ####x~")
"""What represents the characters of bars where the terminal's encoding lacks them."""

PLAIN_TEXT = str.maketrans({"–": "-", "…": "...", "×": "x"})
"""The same for messages; of other characters the stream writes the codes."""


COMMAND = "snakemake "
"""How a line begins that is to be copied: it stays one line, which the terminal breaks."""


def fold(text: str, width: int) -> str:
    """Break the lines of a text at spaces; a word that is longer than a line stays whole.

    Parameters
    ----------
    text : str
    width : int
        Of a line, in characters.

    Returns
    -------
    str
        Lines that are indented go on with a larger indent.
    """
    return "\n".join(_fold_line(line, width) for line in text.split("\n"))


def _fold_line(line: str, width: int) -> str:
    unindented = line.lstrip(" ")
    if len(line) <= width or unindented.startswith(COMMAND):
        return line
    indent = line[: len(line) - len(unindented)]
    return textwrap.fill(
        unindented,
        width,
        initial_indent=indent,
        subsequent_indent=indent and f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,  # what belongs together, as a path
    )


def can_redraw(stream: TextIO) -> bool:
    """Return whether a stream is a terminal whose lines can be redrawn."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


class Terminal:
    """A terminal with a block of lines at its bottom; what is written appears above them.

    Between two writes the cursor is at the start of the block. So what another process writes takes
    the block's place, is kept, and the block is drawn again below it.

    Parameters
    ----------
    stream : text file
        For which `can_redraw` holds.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: Sequence[str] = ()
        self._shown: Sequence[str] = ()
        self._is_drawn = False
        self._is_at_line_start = True
        self._lock = threading.RLock()

    @property
    def size(self) -> os.terminal_size:
        """Columns and lines; the usual ones if the terminal does not know."""
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except OSError:
            size = os.terminal_size((0, 0))
        return os.terminal_size((size.columns or 80, size.lines or 24))

    def show(self, lines: Sequence[str]) -> None:
        """Replace the block by other lines, of fewer characters than the terminal has columns."""
        with self._lock:
            if lines != self._lines:
                cleared = CLEAR if self._is_drawn else ""
                self._is_drawn = False
                self._lines = lines
                self._shown = [self._encodable(line) for line in lines]
                self._draw(cleared)

    def write(self, text: str) -> int:
        """Write above the block, which `flush` draws again once the text ends with a line."""
        with self._lock:
            if self._is_drawn:
                self._stream.write(CLEAR)
                self._is_drawn = False
            if text:
                self._is_at_line_start = text.endswith("\n")
            return self._stream.write(text if self._has(text) else text.translate(PLAIN_TEXT))

    def flush(self) -> None:
        """Draw the block, if need be, and flush the terminal."""
        with self._lock:
            self._draw()

    def isatty(self) -> bool:
        """Return True."""
        return True

    def _encodable(self, line: str) -> str:
        """Return a line of the same width in the characters that the terminal's encoding has."""
        if self._has(line):
            return line
        encoding = self._stream.encoding
        return line.translate(PLAIN).encode(encoding, "replace").decode(encoding)

    def _has(self, text: str) -> bool:
        """Return whether the terminal's encoding has all characters of a text."""
        try:
            text.encode(self._stream.encoding or "utf-8")  # a stream of text in memory has none
        except UnicodeEncodeError:
            return False
        return True

    def _draw(self, before: str = "") -> None:
        block = ""
        if self._lines and self._is_at_line_start and not self._is_drawn:
            up = f"\x1b[{len(self._lines) - 1}A" if len(self._lines) > 1 else ""
            block = "\n".join(self._shown) + up + "\r"
            self._is_drawn = True
        self._stream.write(before + block)  # at once, so that nothing flickers
        self._stream.flush()
