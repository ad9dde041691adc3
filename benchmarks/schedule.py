"""Simulate how long a sweep takes on many cores, and compare that with a sweep on this machine.

    python -m benchmarks.schedule

Measures the overhead of a run, besides training and evaluation, in a sweep of four runs; runs a
sweep of twelve of different lengths, and compares its time with a simulation that gives each run to
the core that is free first; then prints a plan for 10,000 runs. Takes about four minutes.
"""

import argparse
import heapq
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

from batch_race.run import cores
from batch_race.store import history

ROOT = Path(__file__).parent.parent
CORES = (1, 16, 64, 256, 1024)


def makespan(seconds: Sequence[float], workers: int) -> float:
    """Return when the last job ends if each in turn goes to the first free worker."""
    free_at = [0.0] * workers
    for duration in seconds:
        heapq.heapreplace(free_at, free_at[0] + duration)
    return max(free_at)


def sweep(folder: Path, **changes: object) -> tuple[list[float], float]:
    """Run a sweep on the embedded dataset.

    Returns
    -------
    list of float
        Wall seconds of each run's training and evaluation, in the order of their starts.
    float
        Seconds from the start of the first run to the end of the last.
    """
    overlay = folder / "sweep.yaml"
    overlay.write_text(yaml.safe_dump({"dataset": "strokes"} | changes), encoding="utf-8")
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    run = [*snakemake, "--profile", str(ROOT / "profiles/default"), "--cores", "all"]
    run += ["--quiet", "all", "--configfile", str(ROOT / "config.yaml"), str(overlay), "--"]
    prepared = [f"results/prepare/strokes/{name}" for name in ("columns.npy", "train_sparse.npz")]
    subprocess.run([*run, *prepared], cwd=folder, check=True)
    started = time.time()
    subprocess.run([*run, "results/collect/race/histories.parquet"], cwd=folder, check=True)
    known = folder.glob("results/train/*/*/*/history.parquet")
    finished = sorted(path for path in known if path.stat().st_mtime > started)
    by_start = sorted(
        finished, key=lambda path: (path.parent / "train.log").read_text("utf-8")[:23]
    )
    seconds = [history.read(path)[0]["wall_seconds"][-1] for path in by_start]
    return seconds, max(path.stat().st_mtime for path in finished) - started


def main() -> None:
    """Measure, simulate, compare and plan."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--run-seconds", type=float, default=120, help="of a run in the plan")
    parser.add_argument("--slurm-overhead", type=float, help="seconds of a job besides its run")
    options = parser.parse_args()
    workers = cores.available()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        four = {"batch_size": [1, 2, 3, 4], "budget": {"seconds": 2}}
        seconds, phase = sweep(folder, **four)
        overhead = (phase * workers - sum(seconds)) / len(seconds)
        print(f"{workers} cores; overhead of a run: {overhead:.2f} s")
        sizes = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024]
        twelve = {"batch_size": sizes, "budget": {"seconds": None, "steps": 3000}}
        seconds, phase = sweep(folder, **twelve)
        simulated = makespan([each + overhead for each in seconds], workers)
        print(
            f"12 runs of {min(seconds):.1f} to {max(seconds):.1f} s: simulated {simulated:.1f} s, "
            f"measured {phase:.1f} s ({simulated / phase - 1:+.1%})"
        )
    costs = {"local": overhead}
    if options.slurm_overhead is not None:
        costs["Slurm"] = options.slurm_overhead
    print("\n| 10,000 runs | cores | core hours | hours |\n|---|---|---|---|")
    for engine, cost in costs.items():
        runs = [options.run_seconds + cost] * 10_000
        for count in CORES:
            hours = makespan(runs, count) / 3600
            print(f"| {engine} | {count:,} | {sum(runs) / 3600:,.1f} | {hours:,.2f} |")
    print(f"\nload of this machine: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
