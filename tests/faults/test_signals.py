"""Signals that ask a process to end: real signals to a real process."""

import signal
import subprocess
import sys

import pytest

from batch_race.plan.sources import SCRIPTS

PROGRAM = """
import sys, time
from batch_race.run.interruption import InterruptionError, SignalHandler
signals = SignalHandler()
try:
    if sys.argv[1] == "deferred":
        signals.defer()
        print("ready", flush=True)
        for _ in range(200):
            if reason := signals.check():
                print("found", reason, flush=True)
                sys.exit(signals.exit_status)
            time.sleep(0.05)
    print("ready", flush=True)
    time.sleep(10)
except InterruptionError as error:
    print(error, flush=True)
    sys.exit(signals.exit_status)
"""


def start(handling, *before):
    process = subprocess.Popen(
        [*before, sys.executable, "-c", PROGRAM, handling],
        cwd=SCRIPTS,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    ("handling", "expected"),
    [("deferred", "found {}\n"), ("immediate", "interrupted ({}) outside of training\n")],
)
def test_a_signal_ends_the_process(number, handling, expected):
    process = start(handling)
    process.send_signal(number)
    out, _ = process.communicate(timeout=10)
    assert out == expected.format(number.name)
    assert process.returncode == 128 + number


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("handling", ["deferred", "immediate"])
def test_a_signal_that_was_ignored_before_stays_ignored(number, handling):
    """SIGHUP under nohup, SIGINT of a command that a script has put into the background."""
    ignored = "sh", "-c", f'trap "" {number.name[3:]}; exec "$@"', "sh"
    process = start(handling, *ignored)
    process.send_signal(number)
    other = next(each for each in (signal.SIGTERM, signal.SIGHUP) if each != number)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=1)
    process.send_signal(other)
    process.communicate(timeout=10)
    assert process.returncode == 128 + other
