"""Measure the memory that a further run adds to others, through the real workflow.

    python -m benchmarks.memory --mnist FOLDER

FOLDER has MNIST's four files. Two runs train at once, on two cores; measured is the maximum of the
memory that one of them does not share (memory-mapped files, such as the data, are shared by all
runs). Prints a table; takes about two minutes.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.checkout import Checkout, train_processes

BATCH_SIZES = (1, 32, 128, 1024, "all")


def most_bytes(checkout: Checkout, config: dict[str, Any]) -> int:
    """Return the most memory that a run did not share while another ran."""
    most = 0
    checkout.forget()
    workflow = checkout.start(config)
    while workflow.poll() is None:
        try:
            infos = [run.memory_info() for run in train_processes(workflow.pid)]
            sizes = [info.rss - info.shared for info in infos]
        except psutil.NoSuchProcess:
            sizes = []
        if len(sizes) > 1:
            most = max(most, *sizes)
        time.sleep(0.1)
    if workflow.returncode != 0 or most == 0:
        raise SystemExit(f"found no two runs at once in {checkout.folder}")
    return most


def main() -> None:
    """Measure and print the table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, required=True, help="folder with the four files")
    arguments = parser.parse_args()
    print("| batch size | a further run, MB |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout(Path(folder), arguments.mnist.resolve())
        checkout.run({"batch_size": 1, "budget": {"seconds": None, "steps": 10}})
        for batch_size in BATCH_SIZES:
            config = {"batch_size": batch_size, "seed": [1, 2], "budget": {"seconds": 8}}
            print(f"| {batch_size} | {most_bytes(checkout, config) / 1e6:.0f} |", flush=True)


if __name__ == "__main__":
    main()
