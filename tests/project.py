"""A copy of the project to run for real, and a dataset small enough for it."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import yaml

from batch_race import hyperparameters
from batch_race.data import idx, strokes

ROOT = Path(__file__).parent.parent

PUBLISHED = {
    "train_images": "train-images-idx3-ubyte.gz",
    "train_labels": "train-labels-idx1-ubyte.gz",
    "test_images": "t10k-images-idx3-ubyte.gz",
    "test_labels": "t10k-labels-idx1-ubyte.gz",
}

DEFAULTS = {key: each.default for key, each in hyperparameters.REGISTRY.items()}
"""Of each hyperparameter a value that a run may have."""

PARTS = (
    *("Snakefile", "config.yaml", "environment.yml"),
    *("config", "nn", "profiles", "workflow"),
)


class Started:
    """Snakemake at work; what it says goes to a file, since nobody may be reading a pipe."""

    def __init__(self, process: "subprocess.Popen[bytes]", path: Path) -> None:
        self.process = process
        self._path = path

    def said(self) -> str:
        return self._path.read_text(encoding="utf-8", errors="replace")

    def finish(self, seconds: float) -> tuple[int, str]:
        """Wait for its end; give its exit status and what it said."""
        return self.process.wait(timeout=seconds), self.said()


class Project:
    """A checkout of its own, in which a test may edit and run what it likes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def environment(self) -> dict[str, str]:
        """That of the tests, with byte code for speed, and no proxy before a server on loopback."""
        return os.environ | {"PYTHONDONTWRITEBYTECODE": "", "no_proxy": "127.0.0.1"}

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start Snakemake here, in a session of its own; both output streams come as one text."""
        # Unlocking takes no number of cores, and the documentation gives none.
        cores = () if "--unlock" in arguments else ("--cores", "2")
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", *cores, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @contextlib.contextmanager
    def started(
        self, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> Iterator[Started]:
        """Run Snakemake here, in a session that ends with the block; show its words if that fails.

        Parameters
        ----------
        arguments : str
            All that Snakemake is given.
        environment : mapping, optional
            Another one than the usual.
        """
        handle, name = tempfile.mkstemp(".log", "snakemake-", self.folder.parent)
        with os.fdopen(handle, "wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *arguments],
                cwd=self.folder,
                env=environment or self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        snakemake = Started(process, Path(name))
        try:
            yield snakemake
        except BaseException:
            print(snakemake.said())
            raise
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def snakemake(self, *arguments: str) -> tuple[int, str]:
        """Run Snakemake here to its end; give its exit status and what it says."""
        with self.start(*arguments) as process:
            try:
                said, _ = process.communicate(timeout=300)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return process.returncode, said

    def run(self, *arguments: str) -> str:
        """Run Snakemake here, and fail the test where it fails."""
        status, said = self.snakemake(*arguments)
        assert status == 0, said
        return said

    def jobs(self, *arguments: str) -> dict[str, int]:
        """Count the jobs that Snakemake would run, by rule, without `all`."""
        plan = self.run("--dry-run", *arguments)
        table = plan.partition("Job stats:")[2].partition("total")[0]
        counts = dict(re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE))
        return {rule: int(count) for rule, count in counts.items() if rule != "all"}

    def edit_config(self, **changes: object) -> None:
        path = self.folder / "config.yaml"
        config = yaml.safe_load(path.read_text()) | changes
        path.write_text(yaml.safe_dump(config))

    def refusal(self, *arguments: str) -> str:
        """Run Snakemake here, and fail the test where it does not refuse without a traceback."""
        status, said = self.snakemake(*arguments)
        assert status != 0, said
        assert not fault(said), said
        return said


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 180) -> Any:
    """Wait until a condition holds, and give its value; fail with `what` where it does not."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(0.02)
    return value


def scripts(ancestor: int) -> list[psutil.Process]:
    """Find the processes of the scripts that a Snakemake process is running.

    A process may end between being listed and being asked what it is; it is no script then. Nor is
    one that a script has begun and that has not yet become another program.
    """
    found: dict[int, psutil.Process] = {}
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process(ancestor).children(recursive=True):
            if script_name(process) and process.ppid() not in found:
                found[process.pid] = process
    return list(found.values())


def script_name(process: psutil.Process) -> str:
    """Read from its command line which script a process runs: "train", say, or "" for none."""
    with contextlib.suppress(psutil.Error):
        for word in process.cmdline()[1:2]:
            if ".snakemake/scripts/" in word:
                return Path(word).name.split(".")[-2]
    return ""


def fault(said: str) -> str:
    """Find Python's word for a fault of the program in what Snakemake says; "" if there is none.

    Snakemake writes an exception of its files without the word traceback.
    """
    found = re.search(r"Traceback|^(?!WorkflowError|CalledProcessError)\w+ in file .*", said, re.M)
    return found[0] if found else ""


def checkout(folder: Path) -> Project:
    """Copy what makes the project to a folder."""
    folder.mkdir(parents=True)
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    return Project(folder)


def write_digits(folder: Path, n_train: int = 300) -> None:
    """Write a dataset to learn from, with 60 images to test on, under MNIST's names."""
    folder.mkdir()
    for part, count, seed in (("train", n_train, 1), ("test", 60, 2)):
        images, labels = strokes.draw(count, seed)
        idx.write(folder / PUBLISHED[f"{part}_images"], images)
        idx.write(folder / PUBLISHED[f"{part}_labels"], np.asarray(labels))


def small_checkout(folder: Path) -> Project:
    """Make a checkout set to three runs of a few steps on 300 images, beside it."""
    project = checkout(folder / "checkout")
    write_digits(folder / "digits")
    project.edit_config(
        dataset="digits",
        own_datasets={"digits": "../digits"},
        batch_size=[1, 32, "all"],
        budget={"seconds": None, "steps": 4},
        hidden_nodes=20,
    )
    return project


@contextlib.contextmanager
def patched(project: Project, module: str, code: str) -> Iterator[None]:
    """Append code to a module on which no result depends (`sources.WITHOUT_EFFECT`)."""
    path = project.folder / "workflow" / "scripts" / "batch_race" / module
    before = path.read_text()
    path.write_text(before + code)
    try:
        yield
    finally:
        path.write_text(before)
