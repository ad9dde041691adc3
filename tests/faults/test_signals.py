"""Asked to end: real signals to a real process."""

import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT

LISTENER = """
import sys, time
from batch_race.run.interruption import InterruptionError, Listener
listener = Listener()
try:
    if sys.argv[1] == "patient":
        with listener.patience():
            print("ready", flush=True)
            for _ in range(200):
                if reason := listener.check():
                    print("heard", reason, flush=True)
                    sys.exit(listener.exit_status)
                time.sleep(0.05)
    print("ready", flush=True)
    time.sleep(10)
except InterruptionError as error:
    print(error, flush=True)
    sys.exit(listener.exit_status)
"""


def start(patience):
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENER, patience], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    ("patience", "said"),
    [("patient", "heard {}\n"), ("impatient", "interrupted ({}) outside of training\n")],
)
def test_a_signal_ends_the_process_in_good_order(number, patience, said):
    process = start(patience)
    process.send_signal(number)
    out, _ = process.communicate(timeout=10)
    assert out == said.format(number.name)
    assert process.returncode == 128 + number
