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


@dataclass
class Stopwatch:
    """Adds up the seconds of training, and those of everything.

    `start` and `stop` enclose a stretch of steps; what happens between two stretches is on the
    wall clock alone.

    Attributes
    ----------
    clock : Clock
    training_seconds : float
        Seconds inside the stretches, up to the last `read` or `stop`.
    cpu_seconds : float
        CPU seconds inside the stretches that have ended.
    """

    clock: Clock
    training_seconds: float = 0.0
    cpu_seconds: float = 0.0

    def __post_init__(self) -> None:
        self._began = self.clock.wall()
        self._start = 0.0
        self._cpu_start = 0.0

    @property
    def wall_seconds(self) -> float:
        """Seconds since the stopwatch was made."""
        return self.clock.wall() - self._began

    def start(self) -> None:
        """Begin a stretch of training."""
        self._cpu_start = self.clock.cpu()
        # A start set back by what has been trained already: reading is one subtraction.
        self._start = self.clock.wall() - self.training_seconds

    def read(self) -> float:
        """Look at the training seconds during a stretch."""
        self.training_seconds = self.clock.wall() - self._start
        return self.training_seconds

    def stop(self) -> None:
        """End the stretch."""
        self.read()
        self.cpu_seconds += self.clock.cpu() - self._cpu_start
