"""The machine that a run's seconds are measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import threadpoolctl

PACKAGES = ("numpy", "scipy", "numexpr", "polars", "snakemake")
"""Those whose versions stand in each history."""


def describe() -> dict[str, str | int]:
    """Describe the machine.

    Returns
    -------
    dict
        Its name (in a Slurm job, Slurm's own of the node), system, processor, number of logical
        processors, and the libraries that multiply matrices with the kind of processor that they
        take it for.
    """
    return {
        "name": os.environ.get("SLURMD_NODENAME") or platform.node(),
        "system": platform.platform(),
        "processor": _processor(),
        "processors": os.cpu_count() or 1,
        "blas": ", ".join(sorted(_blas_libraries())),
    }


def versions() -> dict[str, str]:
    """List the versions of Python and of the packages that a result may depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def arithmetic() -> list[str]:
    """List what the rounding of a result may depend on, beside the program and its data."""
    computer, numerical = describe(), versions()
    names = ("numpy", "scipy", "numexpr")
    return [*(numerical[name] for name in names), str(computer["processor"]), str(computer["blas"])]


def kills_for_memory() -> int:
    """Count the processes that the kernel has killed for lack of memory since the machine started.

    Returns
    -------
    int
        From Linux's /proc/vmstat (proc(5), `oom_kill`), which counts those of containers and of
        batch jobs too; 0 elsewhere.
    """
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
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
    # Linux keeps the model's name here; platform.processor() is empty there.
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
