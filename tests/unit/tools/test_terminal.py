"""The terminal that screens are recorded from."""

import os
import sys
import time

import pytest

from tests.project import wait_until
from tools.terminal import Screen, run


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("one\r\ntwo\r\n", "one\ntwo"),
        ("abc\rX", "Xbc"),
        ("abc\b\bX", "aXc"),
        ("one\r\ntwo\x1b[A\rONE", "ONE\ntwo"),
        ("one\r\ntwo\r\nthree\x1b[2A\r\x1b[Jnew", "new"),
        ("one\r\ntwo\x1b[A\r\x1b[K", "\ntwo"),
        ("\x1b[33mcoloured\x1b[0m", "coloured"),
        ("123456789012", "1234567890\n12"),
        ("1234567890\r\nx", "1234567890\nx"),  # a full line is not followed by an empty one
        ("a\x1b[5A\rb", "b"),
    ],
)
def test_what_a_program_sends(sent, text):
    screen = Screen(10)
    screen.feed(sent.encode())
    assert screen.text == text


def test_lines_above_the_top_cannot_be_reached():
    screen = Screen(10)
    screen.feed(("".join(f"{number}\r\n" for number in range(40)) + "\x1b[99A\rX").encode())
    lines = screen.text.splitlines()
    assert lines[:17] == [str(number) for number in range(17)]
    assert lines[17] == "X7"  # the top of 24 rows


def test_a_terminal_of_another_encoding():
    screen = Screen(10, "iso-8859-1")
    screen.feed("ä ×2".encode("iso-8859-1"))
    assert screen.text == "ä ×2"


def test_a_program_at_the_terminal(tmp_path):
    program = "import os, sys; print(sys.stderr.isatty(), os.get_terminal_size().columns, 'ä' * 3)"
    seen = []
    status, text = run(
        [sys.executable, "-c", program], tmp_path, 70, lambda text, process: seen.append(text)
    )
    assert (status, text) == (0, "True 70 äää")
    assert seen[-1] == text


@pytest.mark.parametrize(
    "wait",
    [
        "time.sleep(60)",
        "os.closerange(0, 3); time.sleep(60)",  # it no longer uses the terminal
        "os.fork() and sys.exit(); time.sleep(60)",  # what it has started does
    ],
)
def test_a_program_that_does_not_end_is_killed_and_its_screen_told(tmp_path, wait):
    program = f"import os, sys, time; print(os.getpgid(0), 'waits', flush=True); {wait}"
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r"still there after 2 s.*\n\d+ waits$") as error:
        run([sys.executable, "-c", program], tmp_path, 70, seconds=2)
    assert time.monotonic() - started < 10
    group = int(str(error.value).splitlines()[-1].split()[0])
    wait_until(lambda: is_gone(group), "the end of what it has started", 10)


def is_gone(group):
    """Return whether no process of a group runs."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_program_ends_with_what_watches_it(tmp_path):
    groups = []

    def watch(text, process):
        groups.append(process.pid)
        raise ValueError("as a failed assertion")

    with pytest.raises(ValueError, match="as a failed assertion"):
        run([sys.executable, "-c", "import time; print(1); time.sleep(60)"], tmp_path, 70, watch)
    wait_until(lambda: is_gone(groups[0]), "its end", 10)
