"""The seconds that a run is judged by."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """Where the time comes from; tests put in a clock of their own.

    Attributes
    ----------
    wall : callable
        Seconds of a clock that never goes back, whatever becomes of the system's date.
    cpu : callable
        Seconds that the processors have worked for this process, all threads together.
    """

    wall: Callable[[], float] = time.perf_counter
    cpu: Callable[[], float] = time.process_time


class Stopwatch:
    """Adds up the seconds of training, and those of everything.

    `start` and `stop` enclose a stretch of steps; what happens between two stretches is on the
    wall clock alone. A stopwatch that is made with seconds goes on from there: the time since
    they were measured is on no clock.

    Parameters
    ----------
    clock : Clock
    training_seconds, wall_seconds, cpu_seconds : float
        What an earlier stopwatch had measured.

    Attributes
    ----------
    training_seconds : float
        Seconds inside the stretches, up to the last `read` or `stop`.
    cpu_seconds : float
        CPU seconds inside the stretches that have ended.
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
        """Seconds since the beginning."""
        return self._clock.wall() - self._began

    @property
    def offset(self) -> float:
        """Wall seconds less training seconds, which is the same within a stretch."""
        return self._start - self._began

    def start(self) -> None:
        """Begin a stretch of training."""
        self._cpu_start = self._clock.cpu()
        # Set back by what has been trained already, so that reading is one subtraction.
        self._start = self._clock.wall() - self.training_seconds

    def read(self) -> float:
        """Look at the training seconds during a stretch."""
        self.training_seconds = self._clock.wall() - self._start
        return self.training_seconds

    def stop(self) -> None:
        """End the stretch."""
        self.read()
        self.cpu_seconds += self._clock.cpu() - self._cpu_start
