"""A block of lines at the bottom of a terminal."""

import io

import pytest

from batch_race.run.terminal import Terminal, can_redraw, fold
from tools.terminal import Screen


class Stream(io.StringIO):
    """A terminal that keeps what it was sent."""

    def isatty(self):
        return True

    @property
    def screen(self):
        screen = Screen(40)
        screen.feed(self.getvalue().replace("\n", "\r\n").encode())  # as the kernel does
        return screen.text.splitlines()


def test_the_block_stays_below_what_is_written():
    stream = Stream()
    terminal = Terminal(stream)
    terminal.show(["0 of 2 done", "bar one", "bar two"])
    # As Snakemake's handler writes: the message, the line's end, and only then a flush.
    for text in ("an error\nin two lines", "\n"):
        terminal.write(text)
    assert stream.screen == ["an error", "in two lines"]
    terminal.flush()
    assert stream.screen == ["an error", "in two lines", "0 of 2 done", "bar one", "bar two"]
    terminal.show(["1 of 2 done", "bar two"])
    assert stream.screen == ["an error", "in two lines", "1 of 2 done", "bar two"]
    terminal.show([])
    assert stream.screen == ["an error", "in two lines"]


def test_the_block_waits_for_the_end_of_a_line():
    stream = Stream()
    terminal = Terminal(stream)
    terminal.show(["block"])
    terminal.write("unfinished")
    terminal.flush()
    terminal.show(["other block"])
    assert stream.screen == ["unfinished"]
    terminal.write(" line\n")
    terminal.flush()
    assert stream.screen == ["unfinished line", "other block"]


def test_what_another_process_writes_is_kept():
    stream = Stream()
    terminal = Terminal(stream)
    terminal.show(["0 of 2 done", "bar one", "bar two"])
    stream.write("Segmentation fault\n")  # past the terminal
    terminal.show(["1 of 2 done", "bar two"])
    assert stream.screen == ["Segmentation fault", "1 of 2 done", "bar two"]


def test_an_unchanged_block_is_not_drawn_again():
    stream = Stream()
    terminal = Terminal(stream)
    terminal.show(["block"])
    sent = stream.getvalue()
    terminal.show(["block"])
    assert stream.getvalue() == sent


def test_only_a_terminal_with_a_cursor_can_be_redrawn(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    assert can_redraw(Stream())
    assert not can_redraw(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not can_redraw(Stream())


def test_bars_are_of_characters_that_the_encoding_has():
    raw = io.BytesIO()
    terminal = Terminal(io.TextIOWrapper(raw, encoding="ascii", newline=""))
    terminal.show(["batch 1… |██▌  | ×2 Ω"])
    assert raw.getvalue().decode("ascii").rstrip("\r") == "batch 1~ |##   | x2 ?"


def test_messages_are_of_characters_that_the_encoding_has():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="iso-8859-1", errors="backslashreplace", newline="")
    terminal = Terminal(stream)
    for text in ("0.0244–0.0247 s, 2 × …\n", "2 × é\n", "損\n"):
        terminal.write(text)
    terminal.flush()
    sent = raw.getvalue().decode("iso-8859-1")
    assert sent == "0.0244-0.0247 s, 2 x ...\n2 × é\n\\u640d\n"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("the first of two sentences\n\nand\n", "the first of two\nsentences\n\nand\n"),
        ("just sixteen now\n  and  kept", "just sixteen now\n  and  kept"),
        # What belongs together is not broken, even if it is longer than a line.
        ("and results/of-all/of-them.html", "and\nresults/of-all/of-them.html"),
        # Within a block the lines go on within it.
        ("Error:\n    log: one, two, three", "Error:\n    log: one,\n      two, three"),
        # A command that is broken by a line's end is two commands, where it is pasted.
        ("  snakemake --cores 2 --until train", "  snakemake --cores 2 --until train"),
    ],
)
def test_lines_are_broken_between_words(text, folded):
    assert fold(text, 16) == folded
