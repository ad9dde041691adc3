"""Signals that ask a process to end: real signals to a real process."""

import os
import re
import signal
import subprocess
import sys

import pytest

from batch_race.plan.sources import SCRIPTS
from batch_race.run import cores
from tests.project import wait_until
from tools import terminal

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


def test_ctrl_c_in_a_script_is_logged_without_a_traceback(tmp_path):
    log = tmp_path / "script.log"
    program = "import sys, time; from batch_race.store import logs; logs.start(sys.argv[1])"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{program}; print('ready', flush=True); time.sleep(10)", log],
        cwd=SCRIPTS,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=10) == ("", "")
    assert process.returncode == -signal.SIGINT
    assert re.fullmatch(r"\S+ \S+ WARNING interrupted \(SIGINT\)\n", log.read_text())


@pytest.mark.parametrize("rule", ["train", "find_crossings"])
def test_ctrl_c_while_a_script_waits_for_a_core(project, monkeypatch, rule):
    monkeypatch.setenv(cores.SPACE, f"signals-{os.getpid()}")
    project.edit_config(batch_size=32, budget={"seconds": None, "steps": 4})
    project.run("--until", "prepare" if rule == "train" else "train")
    results = project.folder / "results"

    def says_that_it_waits():
        logs = [*results.glob(f"{rule}/**/*.log")]
        return [log for log in logs if "waiting for 1 free core" in log.read_text()]

    pressed = []

    def press(text, process):
        if re.search(f"now: .*{rule.replace('_', ' ')}", text) and not pressed:
            pressed.append(wait_until(says_that_it_waits, f"{rule} to wait"))
            os.killpg(process.pid, signal.SIGINT)

    command = [sys.executable, "-m", "snakemake", "--cores", "2"]
    with cores.lease(cores.available()):
        status, end = terminal.run(command, project.folder, 80, press, seconds=120)
    assert status == 1
    assert pressed
    assert "Traceback" not in end
    assert re.search(rf"^{rule.replace('_', ' ')}: interrupted \(SIGINT\)", end, re.M)
