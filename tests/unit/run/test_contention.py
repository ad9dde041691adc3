"""Disturbed runs are distinguished from undisturbed ones."""

import itertools
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from batch_race.plan.sources import SCRIPTS
from batch_race.run import contention
from batch_race.run.contention import Counters, Watch


@pytest.mark.parametrize(
    ("interval", "n_threads", "reason"),
    [
        (Counters(1.0, 0.999, 3, 1.0, 0.0), 1, ""),
        (Counters(1.0, 0.91, 3, 1.0, 0.0), 1, ""),
        (Counters(1.0, 0.89, 3, 1.0, 0.0), 1, "in 1.00 s the run got 0.89 s of CPU time"),
        # Two threads, one of which shared its core with another process.
        (
            Counters(1.0, 1.5, 3, 2.0, 0.0),
            2,
            "in 1.00 s the run lost 0.50 s of CPU time to other processes",
        ),
        (Counters(1.0, 1.95, 3, 2.0, 0.0), 2, ""),
        # No counters of the processors: not pinned, or not on Linux.
        (Counters(1.0, 1.0, 3, 0.0, 0.0), 1, ""),
        (Counters(1.0, 1.0, 0, 1.0, 0.11), 1, "in 1.00 s the hypervisor stole 0.11 s"),
        (Counters(2.0, 2.0, 501, 2.0, 0.0), 1, "in 2.00 s the run was preempted 501 times"),
        (Counters(2.0, 4.0, 501, 4.0, 0.0), 2, ""),
        # Two threads, of which a quota lets one compute at a time.
        (
            Counters(1.0, 1.0, 3, 1.0, 0.0, 0.95, 0.03),
            2,
            "in 1.00 s the run's threads waited 0.95 s for a processor",
        ),
        # Two threads that were stopped for 0.4 s.
        (Counters(1.0, 1.2, 3, 1.2, 0.0, 0.0, 0.42), 2, "in 1.00 s the run stood still for 0.42 s"),
        # Two threads whose steps are too small for both, or that wait for each other.
        (Counters(1.0, 1.0, 3, 1.0, 0.0, 0.0, 0.0), 2, ""),
        (Counters(1.0, 1.6, 3, 1.6, 0.0, 0.08, 0.15), 2, ""),
        # Shorter than is judged by ticks and switches, but not than by the clocks.
        (Counters(0.1, 0.1, 50, 0.3, 0.05), 1, ""),
        (Counters(0.1, 0.08, 0, 0.1, 0.0), 1, "in 0.10 s the run got 0.08 s of CPU time"),
        (Counters(0.001, 0.0, 0, 0.0, 0.0), 1, ""),
    ],
)
def test_an_interval_is_judged(interval, n_threads, reason):
    assert contention.judge(interval, n_threads, 0.1) == reason


@pytest.mark.parametrize("seconds", [0.1, 1.1])
def test_the_last_part_and_short_runs_are_judged(seconds):
    """In the last 0.1 s the run had no core."""
    middle = seconds - 0.1
    readings = [Counters(0, 0), Counters(middle, middle), Counters(middle, middle)]
    watched = watch([*readings, Counters(seconds, middle)])
    for _ in range(2):
        watched.open()
        watched.close()
    assert watched.reasons  # a checkpoint keeps them
    report = watched.report()
    assert report["reasons"] == [f"in {seconds:.2f} s the run got {middle:.2f} s of CPU time"]
    assert report["disturbances"] == ["in 0.10 s the run got 0.00 s of CPU time"]


def test_all_logical_processors_of_a_core_are_watched(monkeypatch):
    monkeypatch.setattr(contention.cores, "siblings", lambda one: {one, one + 64})
    seen = []

    def read(processors):
        seen.append(processors)
        return Counters()

    Watch([3, 1], read=read, measure=lambda: 1.0).open()
    assert seen == [[1, 3, 65, 67]]


def test_many_small_losses_add_up():
    # Each interval loses 5 %, which is not a disturbance.
    readings = [Counters(count, 0.95 * count, 0, 0, 0) for count in range(11)]
    watched = watch([reading for pair in itertools.pairwise(readings) for reading in pair])
    for _ in range(10):
        watched.open()
        watched.close()
    assert watched.report()["reasons"] == ["in 10.00 s the run got 9.50 s of CPU time"]


def watch(readings, speeds=(100.0, 100.0)):
    readings, speeds = iter(readings), iter(speeds)
    return Watch([0], read=lambda _: next(readings), measure=lambda: next(speeds))


def test_a_short_disturbance_of_a_long_run_is_reported_but_is_not_contention():
    # Of a hundred intervals of a second, one lost a half.
    readings = [Counters(count, count - 0.5 * (count > 50), 0, 0, 0) for count in range(101)]
    watched = watch([reading for pair in itertools.pairwise(readings) for reading in pair])
    for _ in range(100):
        watched.open()
        watched.close()
    report = watched.report()
    assert not report["contended"]
    assert report["disturbances"] == ["in 1.00 s the run got 0.50 s of CPU time"]


def test_only_what_is_watched_counts():
    # Watched from 0 to 1 s and from 5 to 6 s; in between, the process was idle.
    watched = watch(
        [
            Counters(0, 0, 0, 0, 0),
            Counters(1, 1, 1, 1, 0),
            Counters(5, 1, 900, 3, 2),
            Counters(6, 2, 901, 4, 2),
        ]
    )
    for _ in range(2):
        watched.open()
        watched.close()
    report = watched.report()
    assert not report["contended"]
    assert report["watched_seconds"] == report["cpu_seconds"] == 2
    assert report["involuntary_context_switches"] == 2


def test_the_reasons_of_an_earlier_process_are_kept():
    report = Watch([0], ["busy"], read=lambda _: Counters(), measure=lambda: 1.0).report()
    assert report["contended"]
    assert report["reasons"] == ["busy"]


def test_short_intervals_are_judged_together():
    # Each of 0.1 s; in the third the run had no core.
    cpu = [0.0, 0.1, 0.2, 0.2, 0.3, 0.4]
    readings = [Counters(0.1 * count, cpu[count], 0, 0, 0) for count in range(6)]
    watched = watch([reading for pair in itertools.pairwise(readings) for reading in pair])
    for _ in range(5):
        watched.open()
        watched.close()
    report = watched.report()
    assert report["disturbances"] == ["in 0.30 s the run got 0.20 s of CPU time"]
    assert report["contended"]


@pytest.mark.parametrize(
    ("speeds", "is_contended"), [((100, 81), False), ((100, 79), True), ((79, 100), True)]
)
def test_a_change_of_the_machines_speed(speeds, is_contended):
    report = watch([], speeds).report()
    assert report["contended"] is is_contended
    assert report["gflops_before_and_after"] == list(speeds)


def test_times_are_read_of_the_runs_processors_only(tmp_path):
    statistics = tmp_path / "stat"
    statistics.write_text(
        "cpu  1 1 1 1 1 1 1 900 0 0\ncpu0 10 20 30 999 999 40 50 250 0 0\n"
        "cpu1 1 1 1 1 1 1 1 650 0 0\ncpu10 1 1 1 1 1 1 1 7 0 0\nintr 5\n"
    )
    tick = contention.TICK_SECONDS
    one = contention.read_counters([0], statistics)
    assert (one.busy_seconds, one.stolen_seconds) == pytest.approx((150 * tick, 250 * tick))
    two = contention.read_counters([0, 10], statistics)
    assert (two.busy_seconds, two.stolen_seconds) == pytest.approx((155 * tick, 257 * tick))
    none = contention.read_counters([0], tmp_path / "none")
    assert (none.busy_seconds, none.stolen_seconds) == (0, 0)


def test_the_measured_speed_is_plausible():
    assert 0.5 < contention.measure_speed() < 10_000


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no process")
def test_a_real_busy_loop_on_the_same_core():
    allowed = os.sched_getaffinity(0)
    core = max(allowed)
    os.sched_setaffinity(0, {core})
    loop = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        time.sleep(0.3)  # it inherits the pinning; let it start
        watched = Watch([core])
        until = time.perf_counter() + 1
        watched.open()
        while time.perf_counter() < until:
            pass
        watched.close()
        report = watched.report()
    finally:
        loop.kill()
        loop.wait()
        os.sched_setaffinity(0, allowed)
    assert report["contended"]
    assert 0.2 < report["cpu_seconds"] / report["watched_seconds"] < 0.8


COMPUTE = """
import sys, threading, time
from batch_race.run.contention import Watch
import numpy as np

def compute(until):
    matrix = np.ones((200, 200), np.float32)
    while time.perf_counter() < until:
        matrix @ matrix

watched = Watch(list(range(int(sys.argv[1]))), measure=lambda: 1.0)
watched.open()
until = time.perf_counter() + 1.5
others = [threading.Thread(target=compute, args=[until]) for _ in range(int(sys.argv[1]) - 1)]
print("begun", flush=True)
for other in others:
    other.start()
compute(until)
for other in others:
    other.join()
watched.close()
print(watched.report()["reasons"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_process_that_is_stopped(n_threads):
    """Half of the time is missing, whatever the number of threads: no counter of others has it."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMPUTE, str(n_threads)],
        cwd=SCRIPTS,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.75)
    process.send_signal(signal.SIGCONT)
    reasons, _ = process.communicate(timeout=60)
    assert re.search(r"in 1\.\d+ s the run (got|stood still for) [01]\.\d+ s", reasons), reasons
