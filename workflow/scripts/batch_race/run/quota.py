"""The CPU quotas of control groups: how much CPU time a container or service may use."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Quota(NamedTuple):
    """A quota that applies to this process.

    Attributes
    ----------
    cores : float
        CPU seconds per second.
    group : str
        Identifies the control group on this machine.
    path : str
        The file that sets the quota.
    """

    cores: float
    group: str
    path: str


def quotas(process: Path = Path("/proc/self")) -> list[Quota]:
    """Return the quotas of this process's control groups, of version 1 and 2, and those above them.

    Parameters
    ----------
    process : Path
        Linux's folder of the process.

    Returns
    -------
    list of Quota
        Empty if there is none, or on another system.
    """
    found = []
    for folder in _groups(process):
        for path, cores in _limits(folder):
            status = folder.stat()
            found.append(Quota(cores, f"{status.st_dev}-{status.st_ino}", str(path)))
    return found


def _limits(folder: Path) -> Iterator[tuple[Path, float]]:
    """Yield a control group's quota, if it has one, with its file."""
    path = folder / "cpu.max"
    numbers = _read(path).split()
    if not numbers:
        path = folder / "cpu.cfs_quota_us"
        numbers = [*_read(path).split(), *_read(folder / "cpu.cfs_period_us").split()]
    # Without a quota, the first is `max` in version 2 and -1 in version 1.
    if len(numbers) == 2 and all(map(str.isdecimal, numbers)):
        yield path, int(numbers[0]) / int(numbers[1])


def _groups(process: Path) -> Iterator[Path]:
    """Yield the folders of the process's control groups that may have a quota, innermost first."""
    hierarchies = (line.split(":", 2) for line in _read(process / "cgroup").splitlines())
    paths = {tuple(controllers.split(",")): path for _, controllers, path in hierarchies}
    for line in _read(process / "mountinfo").splitlines():
        # proc(5): … root, mount point, options … - type, source, options of the file system
        before, _, after = line.partition(" - ")
        root, mounted = map(_unescape, before.split()[3:5])
        kind, _, options = after.split(" ", 2)
        for controllers, path in paths.items():
            is_v1 = kind == "cgroup" and "cpu" in controllers and "cpu" in options.split(",")
            if is_v1 or (kind == "cgroup2" and controllers == ("",)):
                # A container's file system may show its own group alone.
                own = Path(root) in (Path(path), *Path(path).parents)
                below = Path(path).relative_to(root).parts if own else ()
                for depth in range(len(below), -1, -1):
                    yield Path(mounted, *below[:depth])


def _unescape(text: str) -> str:
    return re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), text)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
