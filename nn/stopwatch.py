"""The clocks of a run."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """The sources of time; tests inject their own.

    Attributes
    ----------
    wall : callable
        Return the seconds of a monotonic clock.
    cpu : callable
        Return the CPU seconds of this process, all threads together.
    """

    wall: Callable[[], float] = time.perf_counter
    cpu: Callable[[], float] = time.process_time


class Stopwatch:
    """Measures training seconds, CPU seconds and wall seconds.

    `start` and `stop` enclose a stretch of steps; between two stretches the wall clock alone runs.

    Parameters
    ----------
    clock : Clock
    training_seconds, wall_seconds, cpu_seconds : float
        What an earlier stopwatch had measured. The time since then is not counted.

    Attributes
    ----------
    training_seconds : float
        Seconds inside the stretches, up to the last `read` or `stop`.
    cpu_seconds : float
        CPU seconds inside the finished stretches.
    """

    def __init__(
        self,
        clock: Clock,
        training_seconds: float = 0.0,
        wall_seconds: float = 0.0,
        cpu_seconds: float = 0.0,
    ) -> None:
        self.training_seconds = training_seconds
        self.cpu_seconds = cpu_seconds
        self._clock = clock
        self._began = clock.wall() - wall_seconds
        self._start = 0.0
        self._cpu_start = 0.0

    @property
    def wall_seconds(self) -> float:
        """Seconds since the start."""
        return self._clock.wall() - self._began

    @property
    def offset(self) -> float:
        """Wall seconds minus training seconds, which is constant within a stretch."""
        return self._start - self._began

    def start(self) -> None:
        """Begin a stretch of training."""
        self._cpu_start = self._clock.cpu()
        # Set back by the seconds so far: then a reading is one subtraction.
        self._start = self._clock.wall() - self.training_seconds

    def read(self) -> float:
        """Return the training seconds now, within a stretch."""
        self.training_seconds = self._clock.wall() - self._start
        return self.training_seconds

    def stop(self) -> None:
        """End the stretch."""
        self.read()
        self.cpu_seconds += self._clock.cpu() - self._cpu_start
