"""Ending a run early, in good order."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import psutil


class InterruptionError(Exception):
    """The run was asked to end, and ends with its state saved."""


class Listener:
    """Listens to what asks the process to end.

    That is SIGINT (Ctrl-C), SIGTERM (batch systems send it before they kill) and SIGHUP (the
    terminal is gone); and that the Snakemake which started the run is gone: a kill -9 of it leaves
    no other trace.

    A signal raises `InterruptionError` at once; within `patience` it is remembered until `check`.
    """

    def __init__(self) -> None:
        self._is_patient = False
        self._signal: signal.Signals | None = None
        self._workflow_is_gone = _watch_workflow()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._hear)

    @contextmanager
    def patience(self) -> Iterator[None]:
        """Only remember signals while the block runs."""
        self._is_patient = True
        try:
            yield
        finally:
            self._is_patient = False

    def check(self) -> str:
        """Tell what asked the process to end; empty if nothing did."""
        if self._signal is not None:
            return self._signal.name
        return "the workflow is gone" if self._workflow_is_gone() else ""

    @property
    def exit_status(self) -> int:
        """128 and the signal's number, as shells have it; without a signal, as for SIGHUP."""
        return 128 + (self._signal or signal.SIGHUP)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self._signal = signal.Signals(number)
        if not self._is_patient:
            raise InterruptionError(f"interrupted ({self._signal.name}) outside of training")


def _watch_workflow() -> Callable[[], bool]:
    """Find the Snakemake processes that this one runs under; tell later whether one is gone."""
    workflow = [process for process in psutil.Process().parents() if _is_snakemake(process)]
    return lambda: not all(_is_alive(process) for process in workflow)


def _is_snakemake(process: psutil.Process) -> bool:
    try:
        # Not a shell whose command line only speaks of it.
        is_python = process.name().startswith(("python", "snakemake"))
        words = process.cmdline()[:3]
    except psutil.Error:
        return False
    return is_python and any(Path(word).name == "snakemake" for word in words)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
