"""Leases on processor cores, so that no two timed runs share one.

The leases are machine-wide: they apply between the jobs of a workflow, between workflows in
different folders and between users. Each core is represented by a file locked with flock, which the
kernel unlocks when the process ends, however it ends.
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
"""The folder of the locks. Not the user's temporary folder, which may differ between jobs."""

POLL_SECONDS = 0.2

log = logging.getLogger(__name__)


@contextlib.contextmanager
def lease(count: int, locks: Path = LOCKS) -> Iterator[list[int]]:
    """Lease whole physical cores and pin this process to them; wait until they are free.

    Parameters
    ----------
    count : int
        Number of cores, one for each thread of the run.
    locks : Path
        The folder of the locks.

    Yields
    ------
    list of int
        The processors that the process is pinned to, one on each core; empty where the system
        cannot pin (macOS), and then no core is leased.

    Raises
    ------
    InputError
        If the process may not use so many cores.
    """
    if not hasattr(os, "sched_setaffinity"):
        log.warning(
            "this system cannot pin processes to cores: the run shares its cores with others"
        )
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
            with contextlib.suppress(OSError):  # no longer allowed, and the process ends anyway
                _pin(allowed)


def available() -> int:
    """Return the number of physical cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(physical_cores(os.sched_getaffinity(0)))
    return psutil.cpu_count(logical=False) or 1


def physical_cores(
    allowed: set[int], topology: Path = Path("/sys/devices/system/cpu")
) -> dict[int, int]:
    """Return the physical cores of logical processors.

    Parameters
    ----------
    allowed : set of int
        The processors that the process may use.
    topology : Path
        Linux's folder of processors.

    Returns
    -------
    dict of int to int
        For each core, identified by its first processor, the first one that is allowed. Without a
        topology, each processor is a core.
    """
    cores: dict[int, int] = {}
    for processor in sorted(allowed):
        siblings = topology / f"cpu{processor}" / "topology" / "thread_siblings_list"
        listed = _parse(siblings.read_text()) if siblings.exists() else {processor}
        cores.setdefault(min(listed), processor)
    return cores


def _parse(ranges: str) -> set[int]:
    """Parse the kernel's notation of a set: `0,64` or `2-3`."""
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
    is_logged = False
    while True:
        # One process at a time, and all cores or none: two runs that each held half of what both
        # need would wait for each other forever.
        with contextlib.ExitStack() as attempt, _opened(locks / "attempt") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            mine: list[int] = []
            for core, processor in cores.items():
                if len(mine) < count and _try_lock(locks / f"core-{core}", attempt):
                    mine.append(processor)
            if len(mine) == count:
                held.enter_context(attempt.pop_all())
                return mine
        if not is_logged:
            log.info("waiting for %d free core(s), not timed", count)
            is_logged = True
        time.sleep(POLL_SECONDS)


def _try_lock(path: Path, held: contextlib.ExitStack) -> bool:
    """Return whether a core could be locked; the lock lasts as long as `held`."""
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
    # flock needs no more than read-only, and another user's file may allow no more. First without
    # O_CREAT: Linux refuses it on another user's file in a folder that all may write to.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CREAT, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _pin(processors: set[int]) -> None:
    # Threads are pinned separately; BLAS may have started its own when it was loaded.
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.sched_setaffinity(int(thread.name), processors)
