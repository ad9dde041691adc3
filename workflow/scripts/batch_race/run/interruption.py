"""Interruption of a run: what asks it to end, and the handling of signals."""

import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import psutil


class InterruptionError(BaseException):
    """The run was interrupted: by a signal, or because its workflow has ended.

    Like KeyboardInterrupt no `Exception`: it passes the handlers of damaged files.
    """


class SignalHandler:
    """A handler of the signals that ask the process to end.

    These are SIGINT (Ctrl-C), SIGTERM (batch systems send it before SIGKILL) and SIGHUP (the
    terminal was closed). `check` also finds that the Snakemake process which started the run has
    ended: after a SIGKILL of Snakemake nothing else shows it.

    A signal that the process inherited as ignored (SIGHUP, under nohup) stays ignored.

    A signal raises `InterruptionError` at once; after `defer` only `check` reports it.
    """

    def __init__(self) -> None:
        self._is_deferred = False
        self._signal: signal.Signals | None = None
        self._workflow_has_ended = _watch_workflow()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._handle)

    def defer(self) -> None:
        """Record signals from now on, without an exception."""
        self._is_deferred = True

    def check(self) -> str:
        """Return why the process should end; empty if it should not."""
        if self._signal is not None:
            return self._signal.name
        return "the workflow has ended" if self._workflow_has_ended() else ""

    @property
    def exit_status(self) -> int:
        """Return 128 plus the signal's number, as shells do; without a signal, as for SIGHUP."""
        return 128 + (self._signal or signal.SIGHUP)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._signal = signal.Signals(number)
        if not self._is_deferred:
            raise InterruptionError(f"interrupted ({self._signal.name}) outside of training")


def _watch_workflow() -> Callable[[], bool]:
    """Return a function that checks whether a Snakemake process above this one has ended."""
    workflow = [process for process in psutil.Process().parents() if _is_snakemake(process)]
    return lambda: not all(_is_alive(process) for process in workflow)


def _is_snakemake(process: psutil.Process) -> bool:
    try:
        # Not a shell whose command line mentions Snakemake.
        is_python = process.name().startswith(("python", "snakemake"))
        arguments = process.cmdline()[:3]
    except psutil.Error:
        return False
    return is_python and any(Path(argument).name == "snakemake" for argument in arguments)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
