"""Measure how reliable the measured times are, on the real MNIST, through the real workflow.

    python -m benchmarks.stopwatch --mnist FOLDER

FOLDER has MNIST's four files. Prints the table of docs/method.md; takes about fifteen minutes, on a
machine that is otherwise idle.

    python -m benchmarks.stopwatch --mnist FOLDER --undisturbed 100

makes 100 undisturbed runs of each kind, of 1 and 2 threads, one after the other, and prints how
many were flagged as contended, by which signs, and the largest shares of time that were lost. Takes
about an hour for 100.
"""

import argparse
import contextlib
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from benchmarks.checkout import Checkout, train_processes
from nn.engine.engine import MIN_SHARD
from nn.stopwatch import Clock, Stopwatch

STEPS = 50_000
BASE = {
    "batch_size": [32],
    "evaluation": {"every_steps": STEPS // 10},
    "budget": {"seconds": None, "steps": STEPS},
}


def neighbours(checkout: Checkout) -> tuple[str, str]:
    """Compare a run alone with the same one while every other core times another run."""
    others = [32 * 2**power for power in range(1, psutil.cpu_count(logical=False))]
    ratios = []
    for _ in range(5):
        checkout.forget()
        checkout.run(BASE)
        alone = seconds(checkout)
        checkout.forget()
        checkout.run(BASE | {"batch_size": [32, *others]})
        ratios.append(seconds(checkout) / alone)
    return "within 5 %", f"{spread(ratios)} of the time alone"


def seconds(checkout: Checkout) -> float:
    """Return the training seconds of the base configuration's run."""
    return float(checkout.history(32, f"{STEPS}_steps")[0]["training_seconds"][-1])


YARDSTICK = """
import time
import numpy as np
x, w = np.ones((32, 784), np.float32), np.ones((784, 200), np.float32)
for count in range(12_000):
    if count == 2_000:
        started = time.perf_counter()
    h = x @ w
    w -= np.float32(1e-9) * (x.T @ h)
print(time.perf_counter() - started)
"""


def repetition(checkout: Checkout) -> tuple[str, str]:
    """Repeat a run five times, in turn with a plain loop of the same products."""
    times, yardsticks = [], []
    one_thread = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    for _ in range(5):
        checkout.forget()
        checkout.run(BASE)
        times.append(seconds(checkout))
        command = [sys.executable, "-c", YARDSTICK]
        plain = subprocess.run(command, env=one_thread, check=True, capture_output=True)
        yardsticks.append(float(plain.stdout))
    return "under 5 %", (
        f"{relative_range(times)}; a plain NumPy loop of the same products, without this project, "
        f"in turn with it: {relative_range(yardsticks)}"
    )


def relative_range(times: list[float]) -> str:
    """Return the range of times as a fraction of their median, as text."""
    fraction = (max(times) - min(times)) / statistics.median(times)
    return f"{100 * fraction:.1f} % ({min(times):.2f} to {max(times):.2f} s)"


def evaluation(checkout: Checkout) -> tuple[str, str]:
    """Evaluate ten times as often."""
    ratios = []
    for _ in range(10):
        times = []
        for every in (STEPS // 10, STEPS // 100):
            checkout.forget()
            checkout.run(BASE | {"evaluation": {"every_steps": every}})
            times.append(seconds(checkout))
        ratios.append(times[1] / times[0])
    return "within 2 %", f"{spread(ratios)} of the time with fewer"


def contention(checkout: Checkout) -> tuple[str, str]:
    """Start a busy loop on the run's core, 20 times."""
    flagged = 0
    for _ in range(20):
        checkout.forget()
        workflow = checkout.start(BASE)
        with busy_loop(checkout.processor(32, f"{STEPS}_steps")):
            workflow.wait()
        flagged += checkout.history(32, f"{STEPS}_steps")[1]["contention"]["contended"]
    return "flagged 20 of 20", f"flagged {flagged} of 20"


@contextlib.contextmanager
def busy_loop(processor: int) -> Iterator[None]:
    """Keep a processor busy while the block runs."""
    loop = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    os.sched_setaffinity(loop.pid, {processor})
    try:
        yield
    finally:
        loop.kill()
        loop.wait()


def quiet(checkout: Checkout) -> tuple[str, str]:
    """Run without a busy loop, 20 times."""
    flagged = 0
    for _ in range(20):
        checkout.forget()
        checkout.run(BASE)
        flagged += checkout.history(32, f"{STEPS}_steps")[1]["contention"]["contended"]
    return "flagged at most 1 of 20", f"flagged {flagged} of 20"


UNDISTURBED = ((1, 1, 2), (32, 1, 2), (2 * MIN_SHARD, 2, 2), ("all", 2, 2), (32, 1, 0.5))
"""Batch sizes, threads and training seconds of undisturbed runs; with two threads, the smallest
batch that they split, whose threads wait for each other most, and the largest."""


def undisturbed(checkout: Checkout, count: int) -> Iterator[str]:
    """Yield a row for each kind of undisturbed runs: how many were flagged, and what they lost."""
    for batch_size, threads, seconds in UNDISTURBED:
        checkout.forget()
        kind = {"batch_size": [batch_size], "threads": threads, "budget": {"seconds": seconds}}
        # One at a time: no neighbour has a part of the caches and the memory's bus.
        checkout.run(kind | {"repeats": count}, "--cores", str(threads))
        found = [each["contention"] for each in checkout.metadata()]
        if len(found) != count:
            raise SystemExit(f"found {len(found)} runs, expected {count}")
        reasons = Counter(
            re.sub(r"[\d.]+", "…", each) for report in found for each in report["reasons"]
        )
        flagged = sum(report["contended"] for report in found)
        named = "; ".join(f"{times}: {reason}" for reason, times in reasons.most_common())
        shares = [f"{max(map(share, found)):.1%}" for share in LOST.values()]
        cells = [batch_size, threads, seconds, f"{flagged} of {count}", *shares, named or "none"]
        yield f"| {' | '.join(map(str, cells))} |"


Report = Mapping[str, Any]

LOST: Mapping[str, Callable[[Report], float]] = {
    "others": lambda each: (
        (each["busy_seconds_of_the_processors"] - each["cpu_seconds"]) / each["watched_seconds"]
    ),
    "waited": lambda each: each["seconds_waited_for_a_processor"] / each["watched_seconds"],
    "stood still": lambda each: each["seconds_stood_still"] / each["watched_seconds"],
    "slower at one end": lambda each: (
        1 - min(each["gflops_before_and_after"]) / max(each["gflops_before_and_after"])
    ),
}
"""Shares of a run that were lost, from its report (`Watch.report`)."""


def crashes(checkout: Checkout) -> tuple[str, str]:
    """Kill a run with -9 at 20 random moments, and resume it each time."""
    steps = 4 * STEPS
    config = BASE | {
        "budget": {"seconds": None, "steps": steps},
        "evaluation": {"every_steps": STEPS // 10},
        "checkpoint_seconds": 0.5,
    }
    losses = ["step", "training_loss", "test_accuracy"]
    checkout.forget()
    checkout.run(config)
    undisturbed = checkout.history(32, f"{steps}_steps")[0].select(losses)
    checkout.forget()
    killed = 0
    while killed < 20:
        workflow = checkout.start(config)
        runs = []
        while not runs and workflow.poll() is None:
            time.sleep(0.05)
            runs = train_processes(workflow.pid)
        time.sleep(random.uniform(0.5, 3.0))  # noqa: S311 - moments, not secrets
        for run in runs:
            with contextlib.suppress(psutil.NoSuchProcess):
                run.kill()
                killed += 1
        workflow.wait()
    checkout.run(config)
    resumed = checkout.history(32, f"{steps}_steps")[0].select(losses)
    same = "identical" if resumed.equals(undisturbed) else "DIFFERENT"
    return "identical, 20 of 20", f"losses by step {same} after {killed} kills"


def extension(checkout: Checkout) -> tuple[str, str]:
    """Raise a budget of 10 s to 20 s."""
    every = BASE | {"evaluation": {"every_steps": STEPS // 10}}
    checkout.forget()
    checkout.run(every | {"budget": {"seconds": 10}})
    short, _ = checkout.history(32, "10_seconds")
    started = time.monotonic()
    checkout.run(every | {"budget": {"seconds": 20}})
    elapsed = time.monotonic() - started
    long, _ = checkout.history(32, "20_seconds")
    same = "identical" if long.head(len(short)).equals(short) else "DIFFERENT"
    added = long["training_seconds"][-1] - short["training_seconds"][-1]
    return (
        "10 s more, first rows identical",
        f"{added:.2f} s more, {elapsed:.1f} s in all with start-up and evaluation; "
        f"first {len(short)} rows {same}",
    )


def reading() -> tuple[str, str]:
    """Time a reading of the stopwatch, which each step makes."""
    watch = Stopwatch(Clock())
    watch.start()
    count = 1_000_000
    started = time.perf_counter()
    for _ in range(count):
        watch.read()
    per_step = (time.perf_counter() - started) / count
    return "under 1 % of a step at batch size 1", f"{1e9 * per_step:.0f} ns"


def spread(ratios: list[float]) -> str:
    """Return a median with its extremes, as text."""
    median = statistics.median(ratios)
    return f"{median:.3f} ({min(ratios):.3f} to {max(ratios):.3f})"


def main() -> None:
    """Measure and print the table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, required=True, help="folder with the four files")
    parser.add_argument("--undisturbed", type=int, metavar="RUNS", help="only these, of each kind")
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {psutil.cpu_count()} processors\n")
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout(Path(folder), arguments.mnist.resolve())
        checkout.run(BASE | {"budget": {"seconds": None, "steps": 10}})
        if arguments.undisturbed:
            columns = ["batch", "threads", "seconds", "flagged", *LOST, "reasons"]
            print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
            for row in undisturbed(checkout, arguments.undisturbed):
                print(row, flush=True)
            return
        print("| experiment | bound | measured |\n|---|---|---|")
        rows = {
            "a reading of the stopwatch": reading,
            f"seconds to step {STEPS:,} at batch size 32: all other cores busy with timed runs, "
            "compared with alone, 5 pairs": lambda: neighbours(checkout),
            "the same run five times: (max − min) / median": lambda: repetition(checkout),
            f"seconds to step {STEPS:,}, evaluating ten times as often, 10 pairs": lambda: (
                evaluation(checkout)
            ),
            "a busy loop pinned to the run's core": lambda: contention(checkout),
            "an undisturbed run": lambda: quiet(checkout),
            "kill -9 at 20 random moments": lambda: crashes(checkout),
            "budget 10 s, then 20 s": lambda: extension(checkout),
        }
        for experiment, measure in rows.items():
            bound, measured = measure()
            print(f"| {experiment} | {bound} | {measured} |", flush=True)


if __name__ == "__main__":
    main()
