"""Whether another took processor time from a run while it was timed.

A run that has a core of its own works all the time: its CPU seconds are its seconds, the kernel
hardly ever takes the core away from it, and the hypervisor never. All three are looked at in
every interval of training and evaluation; a matrix product before and after the run says how fast
the machine was.
"""

import os
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from batch_race.errors import InputError

MIN_SECONDS = 0.25
"""Shorter intervals are joined until they are so long: a tick of a counter must not decide."""

LOST_SHARE = 0.1
"""An interval is disturbed if the run lost more than this share of its seconds."""

TOTAL_LOST_SHARE = 0.03
"""A run is contended if it lost more than this share of all its seconds."""

SWITCHES_PER_SECOND = 250
"""Above this rate of involuntary context switches for each thread, it is disturbed too."""

SPEED_RATIO = 0.8
"""A run is contended if the machine was slower than this ratio at one end than at the other."""

MAX_DISTURBANCES = 10
"""How many disturbed intervals are written down."""

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
"""Linux counts the processors' times in this unit."""


class ContendedError(InputError):
    """A run that others took processor time from, where the user wants none such."""


@dataclass(frozen=True)
class Counters:
    """What the system has counted until a moment, or between two.

    Attributes
    ----------
    seconds : float
        Of a monotonic clock.
    cpu_seconds : float
        That the processors have worked for this process.
    switches : int
        How often the kernel took a core away from this process, for another.
    busy_seconds : float
        That the run's processors have worked, for whomever; 0 where the system does not say.
    stolen_seconds : float
        That the hypervisor kept them from working; 0 where the system does not say.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    switches: int = 0
    busy_seconds: float = 0.0
    stolen_seconds: float = 0.0

    def __add__(self, other: "Counters") -> "Counters":
        return Counters(
            self.seconds + other.seconds,
            self.cpu_seconds + other.cpu_seconds,
            self.switches + other.switches,
            self.busy_seconds + other.busy_seconds,
            self.stolen_seconds + other.stolen_seconds,
        )

    def since(self, earlier: "Counters") -> "Counters":
        """Tell what was counted after `earlier`."""
        return Counters(
            self.seconds - earlier.seconds,
            self.cpu_seconds - earlier.cpu_seconds,
            self.switches - earlier.switches,
            self.busy_seconds - earlier.busy_seconds,
            self.stolen_seconds - earlier.stolen_seconds,
        )


class Watch:
    """Looks at the counters while a run goes on.

    `open` and `close` enclose what is watched, so that writing a file is not held against the run.

    Parameters
    ----------
    processors : sequence of int
        Those that the run holds.
    earlier : sequence of str
        Why the part of the run was contended that an earlier process trained.
    read : callable
        Gives the counters of these processors.
    measure : callable
        Gives the machine's speed, in GFLOP/s.

    Attributes
    ----------
    disturbances : list of str
        The first intervals in which the run lost much, in words.
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
        self._processors = processors
        self._n_threads = max(1, len(processors))
        self._read = read or read_counters
        self._measure = measure or measure_speed
        self._speeds = [self._measure()]
        self._interval = Counters()
        self._total = Counters()
        self._opened = Counters()

    def open(self) -> None:
        """Begin to watch."""
        self._opened = self._read(self._processors)

    def close(self) -> None:
        """Stop watching; judge what was seen since the last judgement, if it is long enough."""
        self._interval += self._read(self._processors).since(self._opened)
        if self._interval.seconds >= MIN_SECONDS:
            if reason := judge(self._interval, self._n_threads, LOST_SHARE):
                self.disturbances = [*self.disturbances, reason][:MAX_DISTURBANCES]
            self._total += self._interval
            self._interval = Counters()

    @property
    def reasons(self) -> list[str]:
        """Why the run is contended until now, in words; empty if it is not."""
        reason = judge(self._total, self._n_threads, TOTAL_LOST_SHARE)
        return self._earlier + ([reason] if reason else [])

    def report(self) -> dict[str, Any]:
        """End the watch.

        Returns
        -------
        dict
            `contended` (bool); `reasons`; `disturbances`; what this process counted; the machine's
            speeds before and after, in GFLOP/s.
        """
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
            "gflops_before_and_after": self._speeds,
        }


def judge(interval: Counters, n_threads: int, lost_share: float) -> str:
    """Tell whether an interval, or a whole run, was disturbed.

    Parameters
    ----------
    interval : Counters
        What was counted in it.
    n_threads : int
        Threads of the run.
    lost_share : float
        The share of its seconds that the run may lose.

    Returns
    -------
    str
        Why it was, in words; empty if it was not.
    """
    seconds = interval.seconds
    may_lose = lost_share * seconds
    if interval.cpu_seconds < seconds - may_lose:
        return f"in {seconds:.2f} s the run had {interval.cpu_seconds:.2f} s of a core"
    if interval.busy_seconds - interval.cpu_seconds > may_lose + TICK_SECONDS * n_threads:
        others = interval.busy_seconds - interval.cpu_seconds
        return f"in {seconds:.2f} s others had {others:.2f} s of the run's cores"
    if interval.stolen_seconds > may_lose:
        return f"in {seconds:.2f} s the hypervisor stole {interval.stolen_seconds:.2f} s"
    if interval.switches > SWITCHES_PER_SECOND * seconds * n_threads:
        return f"in {seconds:.2f} s the run was put aside {interval.switches} times"
    return ""


def read_counters(processors: Sequence[int], statistics: Path = Path("/proc/stat")) -> Counters:
    """Read the system's counters.

    Parameters
    ----------
    processors : sequence of int
        Whose times to read.
    statistics : Path
        Linux's counters of the processors; where there are none, their times are 0.

    Returns
    -------
    Counters
    """
    busy_ticks, stolen_ticks = _read_ticks(processors, statistics)
    return Counters(
        time.perf_counter(),
        time.process_time(),
        resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw,
        busy_ticks * TICK_SECONDS,
        stolen_ticks * TICK_SECONDS,
    )


def measure_speed() -> float:
    """Time a fixed matrix product, some tens of milliseconds in all.

    Returns
    -------
    float
        The machine's speed in GFLOP/s, the median of 15.
    """
    size = 512
    factor = np.full((size, size), 0.5, dtype=np.float32)
    product = np.empty_like(factor)
    seconds = []
    for _ in range(16):
        started = time.perf_counter()
        np.matmul(factor, factor, out=product)
        seconds.append(time.perf_counter() - started)
    # Without the first, which pays for what the others find done.
    return float(2 * size**3 / np.median(seconds[1:]) / 1e9)


def _read_ticks(processors: Sequence[int], statistics: Path) -> tuple[int, int]:
    if not processors or not statistics.exists():
        return 0, 0
    names = {f"cpu{processor}" for processor in processors}
    busy = stolen = 0
    for line in statistics.read_text().splitlines():
        name, *ticks = line.split() or [""]
        if name in names:
            # user, nice, system, idle, iowait, irq, softirq, steal (proc(5))
            user, nice, system, _, _, irq, softirq, steal = map(int, ticks[:8])
            busy += user + nice + system + irq + softirq
            stolen += steal
    return busy, stolen
