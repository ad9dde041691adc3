"""The machine that a run is timed on."""

import getpass
import os
import platform
from importlib.metadata import version
from pathlib import Path

import threadpoolctl

from batch_race.errors import InputError

PACKAGES = ("numpy", "scipy", "numexpr", "polars", "snakemake")
"""Packages whose versions are recorded in each history."""


def check_user() -> None:
    """Check that the user has a name, which Snakemake writes into its log.

    Raises
    ------
    InputError
        If the user id has no name, as in a container, and no environment variable gives one.
    """
    try:
        getpass.getuser()
    except (KeyError, OSError):  # the one before Python 3.13
        raise InputError(
            f"USER: found none, and the user id {os.getuid()} has no name; expected a name, as in "
            "USER=me snakemake …"
        ) from None


def describe() -> dict[str, str | int]:
    """Return a description of the machine.

    Returns
    -------
    dict
        `name` (in a Slurm job, the node's name in Slurm), `system`, `processor`, `processors`
        (number of logical ones), and `blas`: the BLAS libraries, each with its kernel.
    """
    return {
        "name": os.environ.get("SLURMD_NODENAME") or platform.node(),
        "system": platform.platform(),
        "processor": _processor(),
        "processors": os.cpu_count() or 1,
        "blas": ", ".join(sorted(_blas_libraries())),
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of `PACKAGES`, by name."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def arithmetic() -> list[str]:
    """Return what rounding may depend on besides code and data: versions, processor and BLAS."""
    computer, numerical = describe(), versions()
    names = ("numpy", "scipy", "numexpr")
    return [*(numerical[name] for name in names), str(computer["processor"]), str(computer["blas"])]


def kills_for_memory() -> int:
    """Return the number of processes that the kernel has killed for lack of memory since boot.

    Returns
    -------
    int
        From Linux's /proc/vmstat (proc(5), `oom_kill`), which includes those in containers and
        batch jobs; 0 on other systems.
    """
    try:
        lines = Path("/proc/vmstat").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    counts = dict(line.split() for line in lines)
    return int(counts.get("oom_kill", 0))


def _blas_libraries() -> list[str]:
    return [
        " ".join(str(library.get(key)) for key in ("prefix", "version", "architecture"))
        for library in threadpoolctl.threadpool_info()
        if library["user_api"] == "blas"
    ]


def _processor() -> str:
    # On Linux, platform.processor() is empty.
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
