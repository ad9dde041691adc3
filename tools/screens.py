"""Record what a terminal shows of the workflow, for docs/screens.md.

python -m tools.screens docs/screens.md

The commands run in a copy of the repository in the temporary folder, for some minutes.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil

from batch_race.plan.sources import ROOT
from tools import terminal

WIDTHS = (80, 120)

END = "At the end"

FOLDER = Path(tempfile.gettempdir()) / "batch-race"
"""The copy's; its name is part of some messages."""

HEAD = """\
# What the terminal shows

These screens are recorded from real runs by `python -m tools.screens docs/screens.md`.

A run shows one line on what will be done, its progress at the bottom, warnings and errors above
that, and at the end the answer and where the rest is. Snakemake's reports on each job are in its
log file, in `.snakemake/log/`; `-n`, `-p`, `--verbose` and `--debug-dag` bring them to the
screen, and `--quiet` removes the progress. Without a terminal (a pipe, the log of a batch job)
progress is a few lines each half minute. The first line is Snakemake's own, printed before it
reads the workflow.
"""


class Scenario(NamedTuple):
    """A command, and the moments at which its screen is recorded.

    Attributes
    ----------
    title : str
    arguments : str
        Of Snakemake.
    moments : dict of str to str
        By name, a pattern in the text on the screen. The end is always recorded.
    prepare : callable
        Given the folder of the copy; changes it.
    at_first : callable
        Given the process at the first moment.
    """

    title: str
    arguments: str
    moments: dict[str, str]
    prepare: Callable[[Path], object] = lambda folder: None
    at_first: Callable[["subprocess.Popen[bytes]"], object] = lambda process: None


def replaced(name: str, old: str, new: str) -> Callable[[Path], object]:
    """Return a preparation that edits a file."""

    def edit(folder: Path) -> None:
        path = folder / name
        text = path.read_text("utf-8")
        if old not in text:
            raise ValueError(f"{name}: found no {old!r}")
        path.write_text(text.replace(old, new), "utf-8")

    return edit


def kill_a_run(process: "subprocess.Popen[bytes]") -> None:
    """Kill a run, as the kernel does for lack of memory."""
    for child in psutil.Process(process.pid).children(recursive=True):
        if any(word.endswith(".train.py") for word in child.cmdline()[:2]):
            child.kill()
            return


def press_ctrl_c(process: "subprocess.Popen[bytes]") -> None:
    """Interrupt the processes of the terminal."""
    os.killpg(process.pid, signal.SIGINT)


QUICKSTART = "--cores 2 --configfile config/quickstart.yaml"
AGAIN = f"{QUICKSTART} --forcerun train"
BARS = r"\|████"

SCENARIOS = (
    Scenario(
        "The first race",
        QUICKSTART,
        {
            "At the start": "now: draw",
            "While runs are trained": BARS,
            "While charts are drawn": "now: charts",
        },
    ),
    Scenario("The same command again", QUICKSTART, {}),
    Scenario(
        "A fault of the program in a run",
        AGAIN,
        {},
        replaced("workflow/scripts/train.py", "trainer.run()", "trainer.run(1 / 0)"),
    ),
    Scenario("A run that is killed", AGAIN, {"": BARS}, at_first=kill_a_run),
    Scenario("Ctrl-C", AGAIN, {"": BARS}, at_first=press_ctrl_c),
    Scenario(
        "A dataset that cannot be downloaded",
        "--cores 2 --config dataset=kmnist",
        {},
        replaced("workflow/datasets.yaml", "- https://", "- /nowhere/"),
    ),
    Scenario("More threads than cores", f"{QUICKSTART} --config threads=64", {}),
    Scenario("A misspelt key", f"{QUICKSTART} --config batchsize=8", {}),
    Scenario("A misspelt file", "--cores 2 --configfile config/quikstart.yaml", {}),
    Scenario("No number of cores", "", {}),
)


def record(scenario: Scenario, columns: int) -> dict[str, str]:
    """Run a scenario; return its screens, by the names of their moments.

    Raises
    ------
    ValueError
        If a moment never came.
    """
    copy()
    scenario.prepare(FOLDER)
    missing = dict(scenario.moments)
    screens: dict[str, str] = {}

    def watch(text: str, process: "subprocess.Popen[bytes]") -> None:
        for name, pattern in list(missing.items()):
            if re.search(pattern, text):
                if not screens:
                    scenario.at_first(process)
                screens[name] = text
                del missing[name]

    command = [str(FOLDER / ".venv/bin/python"), "-m", "snakemake", *scenario.arguments.split()]
    _, end = terminal.run(command, FOLDER, columns, watch)
    if missing:
        raise ValueError(f"{scenario.title}: never saw {', '.join(missing.values())}, but\n{end}")
    return screens | {END: end}


def copy() -> None:
    """Copy the repository's files as they are now, and link the environment of this program."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    for name in listed.splitlines():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, FOLDER / name)
    if not (FOLDER / ".venv").exists():
        (FOLDER / ".venv").symlink_to(sys.prefix)


def page() -> str:
    """Record all scenarios; return the page.

    Raises
    ------
    FileExistsError
        If there is something in the place of the copy.
    """
    screens: dict[tuple[int, str], dict[str, str]] = {}
    for columns in WIDTHS:
        FOLDER.mkdir()
        try:
            for scenario in SCENARIOS:
                screens[columns, scenario.title] = record(scenario, columns)
        finally:
            shutil.rmtree(FOLDER)
    parts = [HEAD]
    for scenario in SCENARIOS:
        parts += [f"## {scenario.title}\n", f"`{f'snakemake {scenario.arguments}'.rstrip()}`\n"]
        for moment in filter(None, [*scenario.moments, END]):
            for columns in WIDTHS:
                text = screens[columns, scenario.title][moment]
                parts += [f"{moment}, at {columns} columns:\n", f"```text\n{text}\n```\n"]
    return "\n".join(parts)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), "utf-8")
