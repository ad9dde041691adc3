"""What a run asks of a batch system."""

import math
import re
import subprocess
from collections.abc import Mapping
from typing import Any

from batch_race.errors import InputError

MARGIN_MINUTES = 5
"""For all that is not training or evaluation: starting up, reading the data, waiting for a core."""

UNKNOWN_MINUTES = 60
"""What a run gets whose budget has no seconds."""

UNKNOWN_SHARE = 0.5
"""The part of a run that is kept for evaluation where the configuration sets no bound to it."""

BASE_MB = 1000
"""A run of the usual size and the Snakemake around it, with room to spare."""

WEIGHTS_AT_ONCE = 4
"""How often the weights are in memory at once: so often in all, and so often for each thread.

(Of width 20,000, at the most 7.3 times was measured on one thread, and 11.2 times on two.)
"""

PIXELS = 28 * 28
"""Of an image."""

SECONDS_BETWEEN_LOOKS = 180
"""For so long at the most Snakemake's executor rests between two looks at Slurm's jobs."""


def runtime_minutes(specification: Mapping[str, Any], attempt: int) -> int:
    """Tell for how long to ask.

    Parameters
    ----------
    specification : mapping
        The run's.
    attempt : int
        Each asks for more: the first for one time, the second for two.

    Returns
    -------
    int
        Minutes: of a budget in seconds, these, with the share of evaluation where that is off the
        clock, and a margin.
    """
    budget = specification["budget"]
    seconds: float | None = budget["seconds"]
    if seconds is None:
        return attempt * UNKNOWN_MINUTES
    if budget["clock"] == "training":
        seconds /= 1 - (specification["evaluation"]["time_fraction"] or UNKNOWN_SHARE)
    return attempt * (math.ceil(seconds / 60) + MARGIN_MINUTES)


def memory_mb(specification: Mapping[str, Any]) -> int:
    """Tell how much memory to ask for.

    Parameters
    ----------
    specification : mapping
        The run's.

    Returns
    -------
    int
        Megabytes. The data are not in them: the kernel can read those anew.
    """
    threads: int = specification["threads"]
    weights_mb: float = specification["hidden_nodes"] * (1 + PIXELS) * 4 / 1e6
    return BASE_MB + math.ceil(weights_mb * WEIGHTS_AT_ONCE * (1 + threads))


def check_executor(settings: object) -> None:
    """Refuse to send jobs whose end Slurm might never tell.

    Parameters
    ----------
    settings : object
        Those of Snakemake's executor; only the one for Slurm has a `status_command`.

    Raises
    ------
    InputError
        On a cluster that keeps no accounting, if it asks that, or if the controller forgets ended
        jobs too soon.
    """
    status_command = getattr(settings, "status_command", None)
    if status_command not in {"sacct", "squeue"}:
        return
    command = ["scontrol", "show", "config"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = dict(re.findall(r"^(\w+) *= *(\S+)", said, re.MULTILINE))
    if found.get("AccountingStorageType") != "accounting_storage/none":
        return
    if status_command == "sacct":
        raise InputError(
            "slurm-status-command: found sacct, but this cluster keeps no accounting "
            "(AccountingStorageType is accounting_storage/none), so no job would ever be seen to "
            "end; expected squeue: give --slurm-status-command squeue"
        )
    # Of less than 120 s the executor asks the accounting after all.
    kept_seconds = found.get("MinJobAge", "")
    if kept_seconds.isdecimal() and int(kept_seconds) <= SECONDS_BETWEEN_LOOKS:
        raise InputError(
            f"MinJobAge, in Slurm's configuration: found {kept_seconds} s, expected more than "
            f"{SECONDS_BETWEEN_LOOKS} s: this cluster keeps no accounting, and a job that Slurm "
            f"forgets between two looks would never be seen to end"
        )
