"""A copy of the project to run for real, and a dataset small enough for it."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import yaml

from workflow.scripts.common import idx, strokes

ROOT = Path(__file__).parent.parent

PUBLISHED = {
    "train_images": "train-images-idx3-ubyte.gz",
    "train_labels": "train-labels-idx1-ubyte.gz",
    "test_images": "t10k-images-idx3-ubyte.gz",
    "test_labels": "t10k-labels-idx1-ubyte.gz",
}

PARTS = (
    *("Snakefile", "config.yaml", "environment.yml"),
    *("config", "nn", "profiles", "workflow"),
)


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


def write_digits(folder: Path) -> None:
    """Write a dataset of 300 images to learn from and 60 to test on, under MNIST's names."""
    folder.mkdir()
    for part, count, seed in (("train", 300, 1), ("test", 60, 2)):
        images, labels = strokes.draw(count, seed)
        idx.write(folder / PUBLISHED[f"{part}_images"], images)
        idx.write(folder / PUBLISHED[f"{part}_labels"], np.asarray(labels))


def small_checkout(folder: Path) -> Project:
    """Make a checkout set to three runs of a few steps on that dataset, beside it."""
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
