"""Contention: CPU time that a timed run lost to other processes.

A run with a core of its own always computes: its CPU time equals the elapsed time, it is hardly
ever preempted, nothing else runs on its cores, and the hypervisor steals nothing. All this is
checked in every interval of training and evaluation; a matrix product before and after the run
measures the machine's speed.

A run of several threads uses one to all of its cores, depending on what it computes. Its CPU time
says little, but its main thread computes a share of everything, and none waits for a processor.
"""

import operator
import os
import resource
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from batch_race.errors import InputError
from batch_race.run import cores

MIN_SECONDS = 0.25
"""Shorter intervals are merged until they last so long. In a run that is shorter, ticks and context
switches are not judged: one of them must not decide."""

LOST_SHARE = 0.1
"""An interval is disturbed if the run lost more than this share of its time."""

TOTAL_LOST_SHARE = 0.03
"""A run is contended if it lost more than this share of its time."""

MIN_LOST_SECONDS = 0.002
"""Less than so much is no loss: the clocks are not read at the same moment."""

SHARED_SHARE = 0.1
"""The share of their time that several threads may wait for each other: at the end of a step, for
the GIL, and where two of them are woken on one core."""

SWITCHES_PER_SECOND = 250
"""An interval with more involuntary context switches per second and thread is disturbed too."""

SPEED_RATIO = 0.8
"""A run is contended if the ratio of the machine's speeds before and after it is lower."""

MAX_DISTURBANCES = 10
"""Number of disturbed intervals that are reported."""

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
"""The unit in which Linux counts the processors' times."""


class ContendedError(InputError):
    """A run is contended, and the user configured that such a run fails."""


@dataclass(frozen=True)
class Counters:
    """The system's counters at a moment, or their differences between two.

    Attributes
    ----------
    seconds : float
        Of a monotonic clock.
    cpu_seconds : float
        CPU time of this process.
    switches : int
        Involuntary context switches of this process.
    busy_seconds : float
        CPU time of all processes on the run's cores, all logical processors of each; 0 where it is
        not available.
    stolen_seconds : float
        Time that the hypervisor stole from these processors; 0 where it is not available.
    waited_seconds : float
        Time that this process's threads waited for a processor: used by other processes, or kept
        by a CPU quota; 0 where it is not available.
    idle_seconds : float
        Time that the reading thread neither computed nor waited for a processor.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    switches: int = 0
    busy_seconds: float = 0.0
    stolen_seconds: float = 0.0
    waited_seconds: float = 0.0
    idle_seconds: float = 0.0

    def __add__(self, other: "Counters") -> "Counters":
        return Counters(*map(operator.add, astuple(self), astuple(other)))

    def since(self, earlier: "Counters") -> "Counters":
        """Return the differences to earlier counters."""
        return Counters(*map(operator.sub, astuple(self), astuple(earlier)))


class Watch:
    """A watch over the counters of a run.

    Only the time between `open` and `close` counts, so that writing a file is not a disturbance.

    Parameters
    ----------
    processors : sequence of int
        Those leased to the run.
    earlier : sequence of str
        The reasons for contention in the part of the run that an earlier process trained.
    read : callable
        Returns the counters of these processors.
    measure : callable
        Returns the machine's speed, in GFLOP/s.

    Attributes
    ----------
    disturbances : list of str
        Descriptions of the first disturbed intervals.
    """

    def __init__(
        self,
        processors: Sequence[int],
        earlier: Sequence[str] = (),
        read: "Callable[[Sequence[int]], Counters] | None" = None,
        measure: "Callable[[], float] | None" = None,
    ) -> None:
        self.disturbances: list[str] = []
        self._earlier = list(earlier)
        self._processors = sorted({each for one in processors for each in cores.siblings(one)})
        self._n_threads = max(1, len(processors))
        self._read = read or read_counters
        self._measure = measure or measure_speed
        self._speeds = [self._measure()]
        self._interval = Counters()
        self._total = Counters()
        self._opened = Counters()

    def open(self) -> None:
        """Start to watch."""
        self._opened = self._read(self._processors)

    def close(self) -> None:
        """Stop watching; judge the time since the last judgement, if it is long enough."""
        more = self._read(self._processors).since(self._opened)
        self._interval += more
        self._total += more
        if self._interval.seconds >= MIN_SECONDS:
            self._judge_interval()

    def _judge_interval(self) -> None:
        if reason := judge(self._interval, self._n_threads, LOST_SHARE):
            self.disturbances = [*self.disturbances, reason][:MAX_DISTURBANCES]
        self._interval = Counters()

    @property
    def reasons(self) -> list[str]:
        """Return why the run is contended so far; empty if it is not."""
        reason = judge(self._total, self._n_threads, TOTAL_LOST_SHARE)
        return self._earlier + ([reason] if reason else [])

    def report(self) -> dict[str, Any]:
        """Judge the rest, measure the machine's speed again, and return the report of the watch.

        Returns
        -------
        dict
            `contended` (bool); `reasons`; `disturbances`; the counters of this process; the
            machine's speeds before and after, in GFLOP/s.
        """
        self._judge_interval()
        self._speeds.append(self._measure())
        before, after = self._speeds
        reasons = self.reasons
        if min(before, after) < SPEED_RATIO * max(before, after):
            reasons.append(f"the machine's speed went from {before:.1f} to {after:.1f} GFLOP/s")
        total = self._total
        return {
            "contended": bool(reasons),
            "reasons": reasons,
            "disturbances": self.disturbances,
            "watched_seconds": total.seconds,
            "cpu_seconds": total.cpu_seconds,
            "involuntary_context_switches": total.switches,
            "busy_seconds_of_the_processors": total.busy_seconds,
            "stolen_seconds": total.stolen_seconds,
            "seconds_waited_for_a_processor": total.waited_seconds,
            "seconds_stood_still": total.idle_seconds,
            "gflops_before_and_after": self._speeds,
        }


def judge(interval: Counters, n_threads: int, lost_share: float) -> str:
    """Return why an interval, or a whole run, was disturbed.

    Parameters
    ----------
    interval : Counters
        The differences over the interval.
    n_threads : int
        Threads of the run.
    lost_share : float
        The share of its time that the run may lose.

    Returns
    -------
    str
        The reason; empty if it was not disturbed.
    """
    seconds = interval.seconds
    may_lose = max(lost_share * seconds, MIN_LOST_SECONDS)
    may_wait = may_lose + (SHARED_SHARE * seconds if n_threads > 1 else 0)
    if interval.cpu_seconds < seconds - may_lose:
        return f"in {seconds:.2f} s the run got {interval.cpu_seconds:.2f} s of CPU time"
    if interval.idle_seconds > may_wait:
        return f"in {seconds:.2f} s the run stood still for {interval.idle_seconds:.2f} s"
    lost = interval.busy_seconds - interval.cpu_seconds
    if seconds >= MIN_SECONDS and lost > may_lose + TICK_SECONDS * n_threads:
        return f"in {seconds:.2f} s the run lost {lost:.2f} s of CPU time to other processes"
    if interval.waited_seconds > may_wait:
        waited = interval.waited_seconds
        return f"in {seconds:.2f} s the run's threads waited {waited:.2f} s for a processor"
    if seconds < MIN_SECONDS:
        return ""
    if interval.stolen_seconds > may_lose:
        return f"in {seconds:.2f} s the hypervisor stole {interval.stolen_seconds:.2f} s"
    if interval.switches > SWITCHES_PER_SECOND * seconds * n_threads:
        return f"in {seconds:.2f} s the run was preempted {interval.switches} times"
    return ""


def read_counters(processors: Sequence[int], statistics: Path = Path("/proc/stat")) -> Counters:
    """Read the system's counters.

    Parameters
    ----------
    processors : sequence of int
        The processors whose times are read.
    statistics : Path
        The file of Linux's counters; if it is missing, the processors' times are 0.

    Returns
    -------
    Counters
    """
    busy_ticks, stolen_ticks = _read_ticks(processors, statistics)
    waited = sum(map(_waited_seconds, _threads()))
    # Last, and at about the same time.
    seconds = time.perf_counter()
    own_seconds = time.thread_time() + _waited_seconds(Path("/proc/thread-self"))
    return Counters(
        seconds,
        time.process_time(),
        resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw,
        busy_ticks * TICK_SECONDS,
        stolen_ticks * TICK_SECONDS,
        waited,
        seconds - own_seconds,
    )


def measure_speed() -> float:
    """Measure the machine's speed with a matrix product, in some tens of milliseconds.

    Returns
    -------
    float
        In GFLOP/s, the median of 15 products.
    """
    size = 512
    factor = np.full((size, size), 0.5, dtype=np.float32)
    product = np.empty_like(factor)
    seconds = []
    for _ in range(16):
        started = time.perf_counter()
        np.matmul(factor, factor, out=product)
        seconds.append(time.perf_counter() - started)
    # The first is a warm-up.
    return float(2 * size**3 / np.median(seconds[1:]) / 1e9)


def _threads() -> Iterable[Path]:
    folder = Path("/proc/self/task")
    return folder.iterdir() if folder.exists() else ()


def _waited_seconds(thread: Path) -> float:
    """Return for how long a thread waited for a processor since it began; 0 if not available."""
    try:
        text = (thread / "schedstat").read_text(encoding="utf-8")
    except OSError:  # the thread has just ended, or the kernel counts no such times
        return 0.0
    return int(text.split()[1]) * 1e-9


def _read_ticks(processors: Sequence[int], statistics: Path) -> tuple[int, int]:
    if not processors or not statistics.exists():
        return 0, 0
    names = {f"cpu{processor}" for processor in processors}
    busy = stolen = 0
    for line in statistics.read_text(encoding="utf-8").splitlines():
        name, *ticks = line.split() or [""]
        if name in names:
            # user, nice, system, idle, iowait, irq, softirq, steal (proc(5))
            user, nice, system, _, _, irq, softirq, steal = map(int, ticks[:8])
            busy += user + nice + system + irq + softirq
            stolen += steal
    return busy, stolen
