"""Measure how planning and collecting grow with the number of runs.

    python -m benchmarks.scale

Plans sweeps of 10 to 10,000 runs (`snakemake -n`), a single file of them, and for comparison a bare
workflow of as many jobs without this project; collects and summarizes as many made-up histories of
150 rows, with crossings. Each is a process of its own, whose time and peak memory are measured.
Prints a table; takes a few minutes.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
import yaml

from batch_race.hyperparameters import REGISTRY
from batch_race.store import crossings, history
from nn.batches import MiniBatches
from nn.targets import Crossing

ROOT = Path(__file__).parent.parent
SIZES = (10, 100, 1000, 10_000)
ROWS = 150
SEEDS = 5
TARGETS = {"loss": [1.0, 0.5], "accuracy": [90.0]}
ONE_FILE = "results/prepare/mnist/columns.npy"
"""Each start of Snakemake plans the whole sweep, even for one file, as each job on a cluster."""

BARE = """\
rule all:
    input: expand("done/{{run}}/history", run=range({count}))
rule train:
    output: "done/{{run}}/history"
    shell: "touch {{output}}"
rule collect:
    input: expand("done/{{run}}/history", run=range({count}))
    output: "collected"
    shell: "touch {{output}}"
"""

COLLECT = """\
import sys
from pathlib import Path
from batch_race.store import crossings, history, parquet
folder = Path(sys.argv[1])
paths = sorted(folder.glob("*.parquet"))
parquet.write(folder / "histories.out", history.collect(paths))
pairs = [(path, folder / "crossings" / path.name) for path in paths]
parquet.write(folder / "crossings.out", crossings.collect(pairs))
"""

SUMMARIZE = """\
import sys
from pathlib import Path
from benchmarks.scale import TARGETS
from batch_race.analyze import measures, statistics
from batch_race.store import crossings, history
folder = Path(sys.argv[1])
table = history.read_collected(folder / "histories.out")
found = crossings.read_collected(folder / "crossings.out")
statistics.summarize(measures.per_run(table, found, TARGETS, "training"))
"""


def cost(command: list[str], folder: Path) -> str:
    """Return the seconds and the peak memory of a process."""
    started = time.perf_counter()
    log = folder / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status != 0:
        raise SystemExit(f"{command} failed:\n{log.read_text()[-2000:]}")
    return f"{seconds:.1f} s, {usage.ru_maxrss / 1024:.0f} MB"


def plan(count: int, folder: Path, target: str = "all") -> str:
    """Plan a sweep of this project, or the jobs of a single file; return the cost."""
    sweep = {
        "batch_size": list(range(1, 11)) if count >= 10 else [1],
        "learning_rate": [0.001 * (index + 1) for index in range(max(1, count // 50))],
        "repeats": SEEDS if count > 10 else 1,
    }
    overlay = folder / f"sweep_{count}.yaml"
    overlay.write_text(yaml.safe_dump(sweep))
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command = [*snakemake, "--dry-run", "--quiet", "all", "--cores", "2"]
    configuration = ["--configfile", str(ROOT / "config.yaml"), str(overlay)]
    return cost([*command, *configuration, "--", target], folder)


def bare(count: int, folder: Path) -> str:
    """Plan a workflow of as many jobs that does nothing; return the cost."""
    snakefile = folder / f"bare_{count}.smk"
    snakefile.write_text(BARE.format(count=count))
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)]
    return cost([*snakemake, "--dry-run", "--quiet", "all", "--cores", "2"], folder)


def write_results(count: int, folder: Path) -> None:
    """Write made-up histories of runs, and their crossings in the folder `crossings`."""
    rng = np.random.default_rng(0)
    steps = np.unique(np.geomspace(1, 1e6, ROWS).round().astype(int))
    steps = np.concatenate([[0], steps, steps[-1] + np.arange(1, ROWS - len(steps))])[:ROWS]
    for run in range(count):
        seconds = np.sort(rng.uniform(0, 60, ROWS))
        batch_size, seed = 1 + run // SEEDS, run % SEEDS
        specification = {
            **{key: each.default for key, each in REGISTRY.items()},
            **{"batch_size": batch_size, "seed": seed},
            **{"budget": {"seconds": 60.0}, "evaluation": {"time_fraction": 0.5}},
        }
        table = pl.DataFrame(
            {
                **{key: specification[key] for key in REGISTRY},
                "step": steps,
                "epoch": steps * batch_size // 60000,
                "examples": steps * batch_size,
                "training_seconds": seconds,
                "wall_seconds": seconds,
                "cpu_seconds": seconds,
                "training_loss": np.sort(rng.uniform(0, 2.3, ROWS))[::-1],
                "test_accuracy": np.sort(rng.uniform(10, 98, ROWS)),
            },
            schema=history.SCHEMA,
        )
        metadata = {
            "specification": specification,
            "stopped": "budget",
            "contention": {"contended": False, "reasons": []},
            "processors": [0],
            "threads_used": 1,
            "subnormals": "flushed",
            "fingerprint": "0123",
            "training_images": 60000,
            "machine": {"processor": "Abacus 3"},
            "versions": {"python": "3.11"},
        }
        history.write(folder / f"{run:05}.parquet", table, metadata)
        evaluations = history.evaluations(table)
        step, before = evaluations[ROWS // 2].step, evaluations[ROWS // 2 - 1].step
        found = dict.fromkeys(crossings.listed(TARGETS), Crossing(step, before, "evaluations"))
        costs = crossings.tabulate(found, evaluations, [], MiniBatches(60000, batch_size))
        crossings.write(folder / "crossings" / f"{run:05}.parquet", costs)


def main() -> None:
    """Measure and print the table, row by row."""
    print(f"{os.cpu_count()} processors\n")
    print("| runs | plan | plan of one file | plan of a bare workflow | collect | summarize |")
    print("|---|---|---|---|---|---|")
    for count in SIZES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            planned, bare_plan = plan(count, folder), bare(count, folder)
            one_file = plan(count, folder, ONE_FILE)
            write_results(count, folder)
            collect = cost([sys.executable, "-c", COLLECT, str(folder)], folder)
            summarize = cost([sys.executable, "-c", SUMMARIZE, str(folder)], folder)
        cells = planned, one_file, bare_plan, collect, summarize
        print(f"| {count:,} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
