"""A copy of the project in which a benchmark runs the real workflow on the real MNIST."""

import contextlib
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import yaml

from batch_race.store import history

ROOT = Path(__file__).parent.parent
PROJECT = ("Snakefile", "config.yaml", "environment.yml", "nn", "profiles", "workflow")


class Checkout:
    """A copy of the project in a folder of its own."""

    def __init__(self, folder: Path, mnist: Path) -> None:
        self.folder = folder
        self._mnist = mnist
        for name in PROJECT:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, folder / name)

    def start(
        self, config: dict[str, Any], *arguments: str, until: str = "train"
    ) -> "subprocess.Popen[bytes]":
        """Start the workflow up to a rule, with some changes to its configuration."""
        overlay = self.folder / "overlay.yaml"
        overlay.write_text(
            yaml.safe_dump(config | {"mirrors": [str(self._mnist)]}), encoding="utf-8"
        )
        command = [sys.executable, "-m", "snakemake", "--cores", "all", "--until", until]
        return subprocess.Popen(
            [*command, "--configfile", str(overlay), *arguments],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run(self, config: dict[str, Any], *arguments: str, until: str = "train") -> None:
        """Run the workflow to the end of a rule."""
        if self.start(config, *arguments, until=until).wait() != 0:
            raise SystemExit(f"the workflow failed in {self.folder}")

    def history(self, batch_size: int, budget: str) -> tuple[pl.DataFrame, dict[str, Any]]:
        """Read the history of one run."""
        (path,) = self._paths(batch_size, budget, "history.parquet")
        return history.read(path)

    def metadata(self) -> list[dict[str, Any]]:
        """Read the metadata of all runs."""
        paths = self.folder.glob("results/train/mnist/*/*/history.parquet")
        return [history.read_metadata(path) for path in sorted(paths)]

    def forget(self) -> None:
        """Remove all runs."""
        shutil.rmtree(self.folder / "results" / "train", ignore_errors=True)

    def processor(self, batch_size: int, budget: str) -> int:
        """Wait until a run holds a processor, and return its number."""
        marker = "holding processor(s) "
        while True:
            for path in self._paths(batch_size, budget, "train.log"):
                lines = [line for line in path.read_text("utf-8").splitlines() if marker in line]
                if lines:
                    return int(lines[-1].partition(marker)[2])
            time.sleep(0.02)

    def _paths(self, batch_size: int, budget: str, name: str) -> list[Path]:
        pattern = f"results/train/mnist/batch_{batch_size}-*/{budget}/{name}"
        return list(self.folder.glob(pattern))


def train_processes(workflow: int) -> list[psutil.Process]:
    """Return the processes of a workflow's training scripts."""
    found = []
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process(workflow).children(recursive=True):
            if any(".snakemake/scripts/" in word for word in process.cmdline()[1:2]):
                found.append(process)
    return found
