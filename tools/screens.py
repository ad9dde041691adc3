"""Record what a terminal shows of the workflow, for docs/screens.md.

python -m tools.screens docs/screens.md

The commands run in a copy of the repository in /tmp, for some minutes.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from batch_race.plan.sources import ROOT
from batch_race.run import cores
from tools import terminal

NARROW = (80,)
BOTH = (80, 120)

END = "At the end"

FOLDER = Path("/tmp/batch-race")  # noqa: S108 - another program's is refused
"""The copy's; its name is part of some messages, and so the same in each recording."""

MACHINE = re.compile(r"SNAKEMAKE\n=+\n.*?\n\n", re.DOTALL)
"""What Snakemake reports of the machine, its user and the command."""

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
        By name, a pattern in the text on the screen. The end is always recorded; a moment without
        a name is not.
    note : str
        What happens besides the command.
    widths : tuple of int
        Of the terminals, in columns.
    prepare : callable
        Given the folder of the copy, which it may change, and what is released at the end.
    at_first : callable
        Given the process at the first moment, and the same.
    encoding : str
        Of the terminal.
    is_refused : bool
        Whether it ends before any job, with the same message each time.
    """

    title: str
    arguments: str
    moments: dict[str, str]
    note: str = ""
    widths: tuple[int, ...] = NARROW
    prepare: Callable[[Path, ExitStack], object] = lambda folder, held: None
    at_first: Callable[["subprocess.Popen[bytes]", ExitStack], object] = lambda process, held: None
    encoding: str = "utf-8"
    is_refused: bool = False

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that the command is given."""
        return {} if self.encoding == "utf-8" else {"PYTHONIOENCODING": self.encoding}

    @property
    def command(self) -> str:
        """The command as a user types it."""
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        return " ".join(filter(None, [*variables, "snakemake", self.arguments]))

    @property
    def head(self) -> str:
        """The section's title, the command, and what happens besides."""
        return "\n\n".join(filter(None, [f"## {self.title}", f"`{self.command}`", self.note]))


def replaced(name: str, old: str, new: str) -> Callable[[Path, ExitStack], object]:
    """Return a preparation that edits a file."""

    def edit(folder: Path, held: ExitStack) -> None:
        path = folder / name
        text = path.read_text("utf-8")
        if old not in text:
            raise ValueError(f"{name}: found no {old!r}")
        path.write_text(text.replace(old, new), "utf-8")

    return edit


def hold_cores(folder: Path, held: ExitStack) -> None:
    """Hold all cores, as the runs of another race do."""
    held.enter_context(cores.lease(cores.available()))


def free_cores(process: "subprocess.Popen[bytes]", held: ExitStack) -> None:
    """Release what is held."""
    held.close()


def kill_a_run(process: "subprocess.Popen[bytes]", held: ExitStack) -> None:
    """Kill a run, as the kernel does for lack of memory."""
    for child in psutil.Process(process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if any(word.endswith(".train.py") for word in child.cmdline()[:2]):
                child.kill()
                return


def press_ctrl_c(process: "subprocess.Popen[bytes]", held: ExitStack) -> None:
    """Interrupt the processes of the terminal."""
    os.killpg(process.pid, signal.SIGINT)


QUICKSTART = "--cores 2 --configfile config/quickstart.yaml"
AGAIN = f"{QUICKSTART} --forcerun train"
TWO = f"{AGAIN} --config 'batch_size=[32, 128]'"
BARS = r"\|████"
STAGES = {
    "At the start": "now: ",
    "While runs are trained": BARS,
    "While charts are drawn": "now: .*charts",
}

SCENARIOS = (
    Scenario(
        "The first race",
        QUICKSTART,
        STAGES | {"At the start": "now: .*draw strokes"},
        widths=BOTH,
    ),
    Scenario("The same command again", QUICKSTART, {}),
    # Rates of its own: the runs of other scenarios would resume from its shorter ones.
    Scenario(
        "A race with pruning",
        f"{QUICKSTART} --config experiment=pruned 'batch_size=[32, 128]' "
        "'learning_rate=[0.003, 0.03]' 'budget={seconds: 2}' 'pruning={enabled: true}'",
        STAGES,
    ),
    Scenario(
        "Cores that another race holds",
        TWO,
        {"While the runs wait": r"waits for a core\n.*waits for a core"},
        "Another process holds all cores at the start, and frees them while the runs wait.",
        prepare=hold_cores,
        at_first=free_cores,
    ),
    Scenario(
        "A terminal in ISO-8859-1",
        TWO,
        STAGES | {"While runs are trained": r"\|####"},
        "This encoding has neither blocks for the bars nor an en dash.",
        encoding="iso-8859-1",
    ),
    Scenario(
        "Without hooks",
        f"results/compare/quickstart/answer.txt {QUICKSTART} --no-hooks --forcerun compare",
        {},
        "Snakemake does not call what draws the progress and prints the answer. Its own reports "
        "are shown in their place. (Its lines on the machine are left out here.)",
    ),
    Scenario(
        "A fault of the program in a run",
        f"{AGAIN} --config batch_size=32",
        {},
        "The script of a run is edited to divide by zero.",
        prepare=replaced("workflow/scripts/train.py", "trainer.run()", "trainer.run(1 / 0)"),
    ),
    Scenario(
        "A run that is killed",
        f"{AGAIN} --config batch_size=32",
        {"": BARS},
        "The run is killed with SIGKILL, as the kernel does for lack of memory.",
        at_first=kill_a_run,
    ),
    Scenario("Ctrl-C", TWO, {"": BARS}, "While runs are trained.", at_first=press_ctrl_c),
    Scenario(
        "A dataset that cannot be downloaded",
        "--cores 2 --config dataset=kmnist",
        {},
        "The mirrors in `workflow/datasets.yaml` are replaced by folders that do not exist.",
        widths=BOTH,
        prepare=replaced("workflow/datasets.yaml", "- https://", "- /nowhere/"),
    ),
    *(
        Scenario(title, arguments, {}, is_refused=True)
        for title, arguments in (
            ("More threads than cores", f"{QUICKSTART} --config threads=64"),
            ("A misspelt key", f"{QUICKSTART} --config batchsize=8"),
            ("A misspelt file", "--cores 2 --configfile config/quikstart.yaml"),
            ("No number of cores", ""),
        )
    ),
)


def record(scenario: Scenario, columns: int) -> dict[str, str]:
    """Run a scenario; return its screens, by the names of their moments.

    Raises
    ------
    ValueError
        If a moment never came.
    """
    copy()
    missing = dict(scenario.moments)
    screens: dict[str, str] = {}
    with ExitStack() as held:
        scenario.prepare(FOLDER, held)

        def watch(text: str, process: "subprocess.Popen[bytes]") -> None:
            for name, pattern in list(missing.items()):
                if re.search(pattern, text):
                    if not screens:
                        scenario.at_first(process, held)
                    screens[name] = text
                    del missing[name]

        command = [str(FOLDER / ".venv/bin/python"), "-m", "snakemake"]
        _, end = terminal.run(
            [*command, *shlex.split(scenario.arguments)],
            FOLDER,
            columns,
            watch,
            scenario.environment,
            scenario.encoding,
        )
    if missing:
        raise ValueError(f"{scenario.title}: never saw {', '.join(missing.values())}, but\n{end}")
    return {name: MACHINE.sub("", text) for name, text in {**screens, END: end}.items()}


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
    screens: dict[tuple[str, int], dict[str, str]] = {}
    for columns in sorted({columns for each in SCENARIOS for columns in each.widths}):
        FOLDER.mkdir()
        try:
            for scenario in SCENARIOS:
                if columns in scenario.widths:
                    screens[scenario.title, columns] = record(scenario, columns)
        finally:
            shutil.rmtree(FOLDER)
    parts = [HEAD]
    for scenario in SCENARIOS:
        parts.append(f"{scenario.head}\n")
        for moment in filter(None, [*scenario.moments, END]):
            for columns in scenario.widths:
                text = screens[scenario.title, columns][moment]
                parts.append(f"{moment}, at {columns} columns:\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    # A shell lets what it starts in the background ignore Ctrl-C, and so would Snakemake.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    Path(sys.argv[1]).write_text(page(), "utf-8")
