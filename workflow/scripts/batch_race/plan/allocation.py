"""The resources that a run requests from a batch system."""

import math
import re
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any

from batch_race.errors import InputError

MARGIN_MINUTES = 5
"""For the time besides training and evaluation: the start, reading data, waiting for a core."""

UNKNOWN_MINUTES = 60
"""Requested for a run whose budget has no seconds."""

UNKNOWN_SHARE = 0.5
"""The share of a run reserved for evaluation where the configuration sets no bound."""

BASE_MB = 1000
"""More than a run of the usual size and its Snakemake process need."""

COPIES_OF_WEIGHTS = 4
"""Copies of the weights in memory: so many per run, and so many per thread.

(With 20,000 hidden units, up to 7.3 were measured on one thread, and 11.2 on two.)
"""

PIXELS = 28 * 28
"""Of an MNIST image."""

MAX_POLL_SECONDS = 180
"""The longest time between two polls of Slurm's jobs by Snakemake's executor."""


def runtime_minutes(specification: Mapping[str, Any], attempt: int) -> int:
    """Return the time to request for a run.

    Parameters
    ----------
    specification : mapping
        The specification of the run.
    attempt : int
        From 1; the time is multiplied by it.

    Returns
    -------
    int
        Minutes: the seconds of the budget, the share of evaluation if that is not timed, and a
        margin.
    """
    budget = specification["budget"]
    seconds: float | None = budget["seconds"]
    if seconds is None:
        return attempt * UNKNOWN_MINUTES
    if budget["clock"] == "training":
        seconds /= 1 - (specification["evaluation"]["time_fraction"] or UNKNOWN_SHARE)
    return attempt * (math.ceil(seconds / 60) + MARGIN_MINUTES)


def memory_mb(specification: Mapping[str, Any]) -> int:
    """Return the memory to request for a run.

    Parameters
    ----------
    specification : mapping
        The specification of the run.

    Returns
    -------
    int
        Megabytes, without the data: they are mapped, and the kernel can read them again.
    """
    threads: int = specification["threads"]
    weights_mb: float = specification["hidden_nodes"] * (1 + PIXELS) * 4 / 1e6
    return BASE_MB + math.ceil(weights_mb * COPIES_OF_WEIGHTS * (1 + threads))


def check_threads(
    specifications: Iterable[Mapping[str, Any]], physical_cores: int, given: int | None = None
) -> None:
    """Check that each run's threads can have a physical core each.

    Parameters
    ----------
    specifications : iterable of mapping
        Of the runs to be trained.
    physical_cores : int
        That runs on this machine may use.
    given : int, optional
        The cores that Snakemake may use.

    Raises
    ------
    InputError
        If a run has more threads.
    """
    threads = max((specification["threads"] for specification in specifications), default=0)
    if threads > physical_cores:
        raise InputError(
            f"threads: found {threads}, expected at most the {physical_cores} physical core(s) "
            "that runs may use here"
        )
    if given is not None and threads > given:
        raise InputError(
            f"threads: found {threads}, expected at most the {given} that snakemake --cores gives"
        )


def check_executor(settings: object) -> None:
    """Check that Snakemake's executor will notice the end of each job.

    Parameters
    ----------
    settings : object
        Settings of the executor; only the one for Slurm has a `status_command`.

    Raises
    ------
    InputError
        On a Slurm cluster without accounting, if the executor queries the accounting, or if the
        controller forgets finished jobs between two polls.
    """
    status_command = getattr(settings, "status_command", None)
    if status_command not in {"sacct", "squeue"}:
        return
    command = ["scontrol", "show", "config"]
    printed = subprocess.run(  # noqa: S603
        command, capture_output=True, encoding="utf-8", errors="replace", check=False
    ).stdout
    found = dict(re.findall(r"^(\w+) *= *(\S+)", printed, re.MULTILINE))
    if found.get("AccountingStorageType") != "accounting_storage/none":
        return
    if status_command == "sacct":
        raise InputError(
            "slurm-status-command: found sacct on a cluster without accounting "
            "(AccountingStorageType is accounting_storage/none), where it never reports the end of "
            "a job; expected squeue: give --slurm-status-command squeue"
        )
    # Below 120 s the executor would query the accounting in spite of squeue.
    kept_seconds = found.get("MinJobAge", "")
    if kept_seconds.isdecimal() and int(kept_seconds) <= MAX_POLL_SECONDS:
        raise InputError(
            f"MinJobAge, in Slurm's configuration: found {kept_seconds} s, expected more than "
            f"{MAX_POLL_SECONDS} s: on a cluster without accounting, the end of a job that Slurm "
            f"forgets between two polls is never noticed"
        )
