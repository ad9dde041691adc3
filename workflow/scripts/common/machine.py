"""What a run's seconds were measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("numpy", "polars", "snakemake")
"""Those whose versions stand in each history."""


def describe() -> dict[str, str | int]:
    """Describe the machine.

    Returns
    -------
    dict
        Its name, system, processor and number of logical processors.
    """
    return {
        "name": platform.node(),
        "system": platform.platform(),
        "processor": _processor(),
        "processors": os.cpu_count() or 1,
    }


def versions() -> dict[str, str]:
    """List the versions of Python and of the packages that a result may depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def _processor() -> str:
    # Linux keeps the model's name here; platform.processor() is empty there.
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
