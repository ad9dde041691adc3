"""A lease on processor cores, so that no two timed runs ever share one.

The leases are machine-wide: they hold between the jobs of one workflow, between workflows in
different folders and between users. Each core is a file locked with flock, which the kernel
releases when the process that holds it ends, however it ends.
"""

import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from batch_race.errors import InputError

LOCKS = Path("/tmp/batch-race-cores")  # noqa: S108 - the one folder that all users share
"""The folder of the locks. Not the user's temporary folder: that may differ between jobs."""

POLL_SECONDS = 0.2

log = logging.getLogger(__name__)


@contextlib.contextmanager
def lease(count: int, locks: Path = LOCKS) -> Iterator[list[int]]:
    """Hold whole physical cores and pin this process to them; wait while they are taken.

    Parameters
    ----------
    count : int
        How many, one for each thread of the run.
    locks : Path
        The folder of the locks.

    Yields
    ------
    list of int
        The processors that the process is pinned to, one on each core; empty where the system
        cannot pin (macOS), and then no core is held.

    Raises
    ------
    InputError
        If the process is not allowed so many cores.
    """
    if not hasattr(os, "sched_setaffinity"):
        log.warning("this system pins no process to a core: the run has none of its own")
        yield []
        return
    allowed = os.sched_getaffinity(0)
    cores = physical_cores(allowed)
    if count > len(cores):
        raise InputError(
            f"threads: found {count}, expected at most the {len(cores)} physical core(s) that "
            f"this run may use"
        )
    with contextlib.ExitStack() as held:
        mine = _wait_for(count, cores, locks, held)
        log.info("holding processor(s) %s", ", ".join(map(str, mine)))
        _pin(set(mine))
        try:
            yield mine
        finally:
            _pin(allowed)


def available() -> int:
    """Count the physical cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(physical_cores(os.sched_getaffinity(0)))
    return psutil.cpu_count(logical=False) or 1


def physical_cores(
    allowed: set[int], topology: Path = Path("/sys/devices/system/cpu")
) -> dict[int, int]:
    """Find the physical cores that logical processors are part of.

    Parameters
    ----------
    allowed : set of int
        The processors that the process may use.
    topology : Path
        Linux's folder of processors.

    Returns
    -------
    dict of int to int
        For each core, by its first processor, the first one that is allowed. Where Linux does not
        say which processors belong together, each is a core.
    """
    cores: dict[int, int] = {}
    for processor in sorted(allowed):
        siblings = topology / f"cpu{processor}" / "topology" / "thread_siblings_list"
        listed = _parsed(siblings.read_text()) if siblings.exists() else {processor}
        cores.setdefault(min(listed), processor)
    return cores


def _parsed(ranges: str) -> set[int]:
    """Read the kernel's notation of a set: `0,64` or `2-3`."""
    numbers: set[int] = set()
    for part in ranges.strip().split(","):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return numbers


def _wait_for(
    count: int, cores: dict[int, int], locks: Path, held: contextlib.ExitStack
) -> list[int]:
    if not locks.is_dir():
        locks.mkdir(exist_ok=True)
        locks.chmod(0o1777)  # every user may add a lock, none may remove another's
    has_said_so = False
    while True:
        # One at a time, and all or none: two runs that each held half of what both need would
        # wait for each other forever.
        with contextlib.ExitStack() as attempt, _opened(locks / "attempt") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            mine: list[int] = []
            for core, processor in cores.items():
                if len(mine) < count and _is_locked(locks / f"core-{core}", attempt):
                    mine.append(processor)
            if len(mine) == count:
                held.enter_context(attempt.pop_all())
                return mine
        if not has_said_so:
            log.info("waiting for %d free core(s), off the clock", count)
            has_said_so = True
        time.sleep(POLL_SECONDS)


def _is_locked(path: Path, held: contextlib.ExitStack) -> bool:
    """Try to lock a core; the lock lasts as long as `held`."""
    with contextlib.ExitStack() as opened:
        descriptor = opened.enter_context(_opened(path))
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        held.enter_context(opened.pop_all())
        return True


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    # Read-only is enough for flock, and all that another user's file may allow. First without
    # O_CREAT: Linux refuses it on another's file in a folder that all may write to.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CREAT, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _pin(processors: set[int]) -> None:
    # Each thread is pinned by itself; BLAS may have started its own when it was loaded.
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.sched_setaffinity(int(thread.name), processors)
