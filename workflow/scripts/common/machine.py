"""What a run's seconds were measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import threadpoolctl

PACKAGES = ("numpy", "scipy", "polars", "snakemake")
"""Those whose versions stand in each history."""


def describe() -> dict[str, str | int]:
    """Describe the machine.

    Returns
    -------
    dict
        Its name, system, processor, number of logical processors, and the libraries that multiply
        matrices with the kind of processor that they take it for.
    """
    return {
        "name": platform.node(),
        "system": platform.platform(),
        "processor": _processor(),
        "processors": os.cpu_count() or 1,
        "blas": ", ".join(sorted(_blas_libraries())),
    }


def versions() -> dict[str, str]:
    """List the versions of Python and of the packages that a result may depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


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
