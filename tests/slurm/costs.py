"""Measure what a run costs on Slurm besides its training.

    python -m tests.slurm.costs --runs 12

A sweep of runs of 4 steps on 300 images, one job each, on a Slurm of its own with two nodes of one
processor: nearly all of a job's time is cost. The seconds are those that Slurm writes down, whole
ones, of which the median and the extremes are printed. Needs what tests/slurm/install.sh installs.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from tests.project import small_checkout
from tests.slurm import cluster as slurm

RECORD = re.compile(r"StartTime=(\S+) EndTime=(\S+) NodeList=(\S+)")
POLLING = ("--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2")


def measure(n_runs: int) -> tuple[float, list[tuple[datetime, datetime, str]]]:
    """Run the sweep; give its seconds, and the start, end and node of each job."""
    with tempfile.TemporaryDirectory(prefix="slurm-") as name:
        folder = Path(name)
        project = small_checkout(folder / "project")
        rates = [round(0.001 * (1 + number), 3) for number in range(n_runs)]
        project.edit_config(batch_size=32, learning_rate=rates)
        project.run("--until", "prepare")
        with slurm.running(folder / "cluster", nodes=2) as cluster:
            began = time.monotonic()
            subprocess.run(
                [
                    *(sys.executable, "-m", "snakemake", "--profile", "profiles/slurm"),
                    *("--slurm-status-command", "squeue", *POLLING, "--until", "train"),
                ],
                cwd=project.folder,
                env=cluster.environment,
                check=True,
            )
            seconds = time.monotonic() - began
        record = (folder / "cluster" / "jobs.txt").read_text()
    jobs = [
        (datetime.fromisoformat(start), datetime.fromisoformat(end), node)
        for start, end, node in RECORD.findall(record)
    ]
    return seconds, sorted(jobs)


def main() -> None:
    """Measure, and print a line for each cost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=12)
    seconds, jobs = measure(parser.parse_args().runs)
    on_node = [(end - start).total_seconds() for start, end, _ in jobs]
    by_node = {node: [job for job in jobs if job[2] == node] for *_, node in jobs}
    between = [
        (later[0] - earlier[1]).total_seconds()
        for ones in by_node.values()
        for earlier, later in pairwise(ones)
    ]
    print(f"{len(jobs)} jobs, {seconds:.0f} s for the whole sweep; seconds of each:")
    for what, found in (("on its node", on_node), ("until the node's next job", between)):
        print(f"{what}: {statistics.median(found):.0f} ({min(found):.0f} to {max(found):.0f})")


if __name__ == "__main__":
    main()
