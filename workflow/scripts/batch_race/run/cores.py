"""Leases on processor cores, so that no two timed runs share one.

The leases are machine-wide: they apply between the jobs of a workflow, between workflows in
different folders and between users. Where control groups limit the CPU time, a lease also takes a
part of each quota, so that runs do not wait for CPU time that their group has used up.
"""

import contextlib
import logging
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import psutil

from batch_race.errors import InputError
from batch_race.run import claims
from batch_race.run.quota import Quota, quotas

SPACE = "BATCH_RACE_LEASES"
"""The environment variable that names other leases than those that all users share."""

POLL_SECONDS = 0.2

NOTICE_SECONDS = 3
"""After so long it is logged that another process does not let this one try."""

log = logging.getLogger(__name__)


@contextlib.contextmanager
def lease(count: int) -> Iterator[list[int]]:
    """Lease whole physical cores and pin this process to them; wait until they are free.

    Parameters
    ----------
    count : int
        Number of cores, one for each thread of the run.

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
    limits = quotas()
    if count > len(cores):
        raise InputError(
            f"threads: found {count}, expected at most the {len(cores)} physical core(s) that "
            f"this run may use"
        )
    for limit in limits:
        if count > _whole_cores(limit):
            raise InputError(
                f"threads: found {count}, expected at most {_whole_cores(limit)}: {limit.path} "
                f"allows this run the CPU time of {limit.cores:g} core(s)"
            )
    with contextlib.ExitStack() as held:
        mine = _wait_for(count, cores, limits, held)
        log.info("holding processor(s) %s", ", ".join(map(str, mine)))
        _pin(set(mine))
        try:
            yield mine
        finally:
            try:
                _pin(allowed)
            except OSError as error:  # they were taken from this process meanwhile
                log.warning("the process stays on its processor(s): %s", error.strerror)


def available() -> int:
    """Return the number of physical cores that this process may use at the same time."""
    if hasattr(os, "sched_getaffinity"):
        n_cores = len(physical_cores(os.sched_getaffinity(0)))
        return min([n_cores, *map(_whole_cores, quotas())])
    return psutil.cpu_count(logical=False) or 1


def notice() -> str:
    """Return what CPU quotas do to the runs of this process; empty if nothing."""
    if not hasattr(os, "sched_getaffinity"):
        return ""
    n_cores = len(physical_cores(os.sched_getaffinity(0)))
    least = min(quotas(), default=None)
    if least is None or least.cores >= n_cores:
        return ""
    said = f"{least.path} allows the CPU time of {least.cores:g} of {n_cores} physical core(s): "
    if least.cores < 1:
        return said + "with less than one core, every run waits for CPU time and is flagged."
    return said + f"at most {_whole_cores(least)} run(s) of one thread at a time."


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
        cores.setdefault(min(siblings(processor, topology)), processor)
    return cores


def siblings(processor: int, topology: Path = Path("/sys/devices/system/cpu")) -> set[int]:
    """Return the logical processors on the core of one of them, which is among them."""
    path = topology / f"cpu{processor}" / "topology" / "thread_siblings_list"
    return _parse(path.read_text(encoding="utf-8")) if path.exists() else {processor}


def _parse(ranges: str) -> set[int]:
    """Parse the kernel's notation of a set: `0,64` or `2-3`."""
    numbers: set[int] = set()
    for part in ranges.strip().split(","):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return numbers


def _whole_cores(limit: Quota) -> int:
    """Return how many cores may be leased within a quota; one, if it is less than that."""
    return max(1, math.floor(limit.cores))


def _wait_for(
    count: int, cores: Mapping[int, int], limits: Iterable[Quota], held: contextlib.ExitStack
) -> list[int]:
    space = f"batch-race/{os.environ.get(SPACE, '')}"
    processors = {f"{space}/core-{core}": processor for core, processor in cores.items()}
    pools = [
        list(processors),
        *(
            [f"{space}/{each.group}/{part}" for part in range(_whole_cores(each))]
            for each in limits
        ),
    ]
    turn = f"{space}/turn"
    began = time.monotonic()
    logged = set()
    while True:
        # One process at a time, and all or nothing: two runs that each held half of what both need
        # would wait for each other forever.
        with contextlib.ExitStack() as attempt, claims.claim(turn) or _NO_TURN as has_turn:
            mine = [_claim_some(count, pool, attempt) for pool in pools] if has_turn else []
            if has_turn and all(len(each) == count for each in mine):
                held.enter_context(attempt.pop_all())
                return [processors[name] for name in mine[0]]
        if has_turn and "cores" not in logged:
            log.info("waiting for %d free core(s)%s, not timed", count, _held_by(*pools))
            logged.add("cores")
        elif not has_turn and "turn" not in logged and time.monotonic() - began > NOTICE_SECONDS:
            log.info("waiting until cores may be leased%s, not timed", _held_by([turn]))
            logged.add("turn")
        time.sleep(POLL_SECONDS)


_NO_TURN = contextlib.nullcontext()


def _claim_some(count: int, names: Iterable[str], held: contextlib.ExitStack) -> list[str]:
    """Claim so many names, as far as they are free, for as long as `held`; return them."""
    mine: list[str] = []
    for name in names:
        if len(mine) < count and (claimed := claims.claim(name)):
            held.enter_context(claimed)
            mine.append(name)
    return mine


def _held_by(*pools: Iterable[str]) -> str:
    holders = sorted({claims.holder(name) for pool in pools for name in pool} - {""})
    return f", held by {', '.join(holders)}" if holders else ""


def _pin(processors: set[int]) -> None:
    # Threads are pinned separately; BLAS may have started its own when it was loaded.
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.sched_setaffinity(int(thread.name), processors)
