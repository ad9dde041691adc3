"""Whether another took processor time from a run while it was timed.

A run that has a core of its own works all the time: its CPU seconds are its seconds, the kernel
hardly ever takes the core away from it, and the hypervisor never. All three are looked at in
every interval of training and evaluation; a matrix product before and after the run says how fast
the machine was.
"""

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workflow.scripts.common.errors import InputError

MIN_SECONDS = 0.25
"""Shorter intervals are joined until they are so long: a tick of a counter must not decide."""

BUSY_SHARE = 0.95
"""An interval is contended if its CPU seconds are less than this share of its seconds."""

SWITCHES_PER_SECOND = 100
"""An interval is contended above this rate of involuntary context switches for each thread."""

STOLEN_SHARE = 0.05
"""An interval is contended if the hypervisor stole more than this share of its seconds."""

SPEED_RATIO = 0.8
"""A run is contended if the machine was slower than this ratio at one end than at the other."""

TICKS_PER_SECOND = 100
"""Linux counts stolen time in these units, for programs, whatever its own are (proc(5))."""


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
    stolen_seconds : float
        That the hypervisor kept the run's cores from working; 0 where the system does not say.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    switches: int = 0
    stolen_seconds: float = 0.0

    def __add__(self, other: "Counters") -> "Counters":
        return Counters(
            self.seconds + other.seconds,
            self.cpu_seconds + other.cpu_seconds,
            self.switches + other.switches,
            self.stolen_seconds + other.stolen_seconds,
        )

    def since(self, earlier: "Counters") -> "Counters":
        """Tell what was counted after `earlier`."""
        return Counters(
            self.seconds - earlier.seconds,
            self.cpu_seconds - earlier.cpu_seconds,
            self.switches - earlier.switches,
            self.stolen_seconds - earlier.stolen_seconds,
        )


class Watch:
    """Looks at the counters while a run goes on.

    `open` and `close` enclose what is watched, so that writing a file is not held against the run.

    Parameters
    ----------
    processors : sequence of int
        Those that the run holds.
    read : callable
        Gives the counters of these processors.
    measure : callable
        Gives the machine's speed, in GFLOP/s.

    Attributes
    ----------
    reasons : list of str
        What was found, in words, an item for each contended interval.
    """

    def __init__(
        self,
        processors: Sequence[int],
        read: "Callable[[Sequence[int]], Counters] | None" = None,
        measure: "Callable[[], float] | None" = None,
    ) -> None:
        self.reasons: list[str] = []
        self._processors = processors
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
            if reason := judge(self._interval, max(1, len(self._processors))):
                self.reasons.append(reason)
            self._total += self._interval
            self._interval = Counters()

    def report(self) -> dict[str, Any]:
        """End the watch.

        Returns
        -------
        dict
            `contended` (bool); `reasons`, the first ten; `contended_intervals`; what was counted
            in all; the machine's `speeds` before and after, in GFLOP/s.
        """
        self._speeds.append(self._measure())
        before, after = self._speeds
        if min(before, after) < SPEED_RATIO * max(before, after):
            self.reasons.append(
                f"the machine's speed went from {before:.1f} to {after:.1f} GFLOP/s"
            )
        total = self._total + self._interval
        return {
            "contended": bool(self.reasons),
            "reasons": self.reasons[:10],
            "contended_intervals": len(self.reasons),
            "watched_seconds": total.seconds,
            "cpu_seconds": total.cpu_seconds,
            "involuntary_context_switches": total.switches,
            "stolen_seconds": total.stolen_seconds,
            "gflops_before_and_after": self._speeds,
        }


def judge(interval: Counters, n_threads: int) -> str:
    """Tell whether an interval was contended.

    Parameters
    ----------
    interval : Counters
        What was counted in it.
    n_threads : int
        Threads of the run.

    Returns
    -------
    str
        Why it was, in words; empty if it was not.
    """
    seconds = interval.seconds
    if interval.cpu_seconds < BUSY_SHARE * seconds:
        return f"in {seconds:.2f} s the run had {interval.cpu_seconds:.2f} s of a core"
    if interval.switches > SWITCHES_PER_SECOND * seconds * n_threads:
        return f"in {seconds:.2f} s the run was put aside {interval.switches} times"
    if interval.stolen_seconds > STOLEN_SHARE * seconds:
        return f"in {seconds:.2f} s the hypervisor stole {interval.stolen_seconds:.2f} s"
    return ""


def read_counters(processors: Sequence[int], statistics: Path = Path("/proc/stat")) -> Counters:
    """Read the system's counters.

    Parameters
    ----------
    processors : sequence of int
        Whose stolen time to read.
    statistics : Path
        Linux's counters of the processors; where there are none, no time is said to be stolen.

    Returns
    -------
    Counters
    """
    return Counters(
        time.perf_counter(),
        time.process_time(),
        resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw,
        _read_stolen_ticks(processors, statistics) / TICKS_PER_SECOND,
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


def _read_stolen_ticks(processors: Sequence[int], statistics: Path) -> int:
    if not processors or not statistics.exists():
        return 0
    names = {f"cpu{processor}" for processor in processors}
    lines = (line.split() for line in statistics.read_text().splitlines())
    return sum(int(line[8]) for line in lines if line and line[0] in names)
