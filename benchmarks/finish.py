"""Measure how long after its last run a race has its answer, and all of its charts and its page.

    python -m benchmarks.finish f62f5a9 HEAD

Runs the quickstart of each revision of this project on two cores, from nothing, then with one batch
size more, several times, and prints a table. The last run ends when its last file is written, that
of its crossings. Takes about two minutes for a revision and repetition.
"""

import argparse
import io
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.checkout import ROOT

CASES = {"all batch sizes": "[1, 32, 128, all]", "one more": "[1, 8, 32, 128, all]"}


def check_out(revision: str, folder: Path) -> None:
    """Write the files of a revision to a folder."""
    archive = ["git", "-C", str(ROOT), "archive", revision]
    content = subprocess.run(archive, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(content)) as files:
        files.extractall(folder, filter="data")


def finish(folder: Path, batch_sizes: str) -> tuple[float, float]:
    """Run the quickstart with these batch sizes.

    Returns
    -------
    tuple of float
        Seconds from the end of the last run to the answer, and to the end of Snakemake.
    """
    command = [sys.executable, "-m", "snakemake", "--cores", "2"]
    command += ["--configfile", "config/quickstart.yaml"]
    command += ["--config", f"batch_size={batch_sizes}"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    ended = time.time()
    crossings = folder.glob("results/find_crossings/**/*.parquet")
    last = max(path.stat().st_mtime for path in crossings)
    answer = folder / "results" / "compare" / "quickstart" / "answer.txt"
    return answer.stat().st_mtime - last, ended - last


def spread(seconds: Sequence[float]) -> str:
    """Return the median and the extremes as text."""
    return f"{statistics.median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})"


def main() -> None:
    """Measure the revisions in turn, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("revisions", nargs="+")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(options.repeats):
        for revision in options.revisions:
            with tempfile.TemporaryDirectory() as name:
                check_out(revision, Path(name))
                for case, batch_sizes in CASES.items():
                    found.setdefault((revision, case), []).append(finish(Path(name), batch_sizes))
    print("| revision | runs | answer after, s | everything after, s |\n|---|---|---|---|")
    for (revision, case), times in found.items():
        answer, everything = (spread(seconds) for seconds in zip(*times, strict=True))
        print(f"| {revision} | {case} | {answer} | {everything} |")
    print(f"\nload of this machine: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
