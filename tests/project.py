"""A copy of the project to run for real, and a dataset small enough for it."""

import os
import re
import shutil
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

PARTS_OF_THE_PROJECT = ("Snakefile", "config.yaml", "config", "environment.yml", "nn")


class Project:
    """A checkout of its own, in which a test may edit and run what it likes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("profiles", "workflow", *PARTS_OF_THE_PROJECT):
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, folder / name)

    @property
    def environment(self) -> dict[str, str]:
        """That of the tests, with byte code for speed, and no proxy before a server on loopback."""
        return os.environ | {"PYTHONDONTWRITEBYTECODE": "", "no_proxy": "127.0.0.1"}

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake here; both output streams come as one text."""
        # Unlocking takes no number of cores, and the documentation gives none.
        cores = () if "--unlock" in arguments else ("--cores", "2")
        return subprocess.run(
            [sys.executable, "-m", "snakemake", *cores, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )

    def run(self, *arguments: str) -> str:
        """Run Snakemake here, and fail the test where it fails."""
        done = self.snakemake(*arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout

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
        done = self.snakemake(*arguments)
        assert done.returncode != 0, done.stdout
        assert "Traceback" not in done.stdout, done.stdout
        return done.stdout


def write_digits(folder: Path) -> None:
    """Write a dataset of 300 images to learn from and 60 to test on, under MNIST's names."""
    folder.mkdir()
    for part, count, seed in (("train", 300, 1), ("test", 60, 2)):
        images, labels = strokes.draw(count, seed)
        idx.write(folder / PUBLISHED[f"{part}_images"], images)
        idx.write(folder / PUBLISHED[f"{part}_labels"], np.asarray(labels))


def small_checkout(folder: Path) -> Project:
    """Make a checkout set to three runs of a few steps on that dataset, beside it."""
    checkout = Project(folder / "checkout")
    data = folder / "digits"
    write_digits(data)
    checkout.edit_config(
        dataset="digits",
        own_datasets={"digits": str(data)},
        batch_size=[1, 32, "all"],
        budget={"seconds": None, "steps": 4},
        hidden_nodes=20,
    )
    return checkout
