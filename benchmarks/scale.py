"""Measure how planning and collecting grow with the number of runs.

    python -m benchmarks.scale

Plans sweeps of 10 to 10,000 runs (`snakemake -n`), a single file of them, and for comparison a bare
workflow of as many jobs without this project; collects and summarizes as many made-up histories of
150 rows, with crossings. Each is a process of its own, whose time and peak memory are measured.
Prints a table; takes a few minutes.

    python -m benchmarks.scale --race 1000

decides a pruned race of so many configurations over made-up runs, and prints for each round the
seconds of reading its histories and of deciding, and those of a start of Snakemake, which plans all
rounds so far.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
import yaml

from batch_race.analyze import rounds
from batch_race.hyperparameters import REGISTRY
from batch_race.plan import experiment, runs
from batch_race.store import crossings, history
from batch_race.store import rounds as store
from batch_race.store.rounds import Round
from benchmarks import races
from nn.batches import MiniBatches
from nn.targets import Crossing

ROOT = Path(__file__).parent.parent
SIZES = (10, 100, 1000, 10_000)
ROWS = 150
SEEDS = 5
TARGETS = {"loss": [1.0, 0.5], "accuracy": [90.0]}
HISTORIES = "results/train/made_up/*/whole/history.parquet"
CROSSINGS = "results/find_crossings/made_up/*/whole/all.parquet"
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
from benchmarks.scale import CROSSINGS, HISTORIES, TARGETS
folder = Path(sys.argv[1])
paths = sorted(folder.glob(HISTORIES))
parquet.write(folder / "histories.out", history.collect(paths))
found = sorted(folder.glob(CROSSINGS))
parquet.write(folder / "crossings.out", crossings.collect(paths, found, TARGETS))
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
    with log.open("w", encoding="utf-8") as file:
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
        raise SystemExit(f"{command} failed:\n{log.read_text(encoding='utf-8')[-2000:]}")
    return f"{seconds:.1f} s, {usage.ru_maxrss / 1024:.0f} MB"


def plan(count: int, folder: Path, target: str = "all") -> str:
    """Plan a sweep of this project, or the jobs of a single file; return the cost."""
    sweep = {
        "batch_size": list(range(1, 11)) if count >= 10 else [1],
        "learning_rate": [0.001 * (index + 1) for index in range(max(1, count // 50))],
        "repeats": SEEDS if count > 10 else 1,
    }
    overlay = folder / f"sweep_{count}.yaml"
    overlay.write_text(yaml.safe_dump(sweep), encoding="utf-8")
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command = [*snakemake, "--dry-run", "--quiet", "all", "--cores", "2"]
    configuration = ["--configfile", str(ROOT / "config.yaml"), str(overlay)]
    return cost([*command, *configuration, "--", target], folder)


def bare(count: int, folder: Path) -> str:
    """Plan a workflow of as many jobs that does nothing; return the cost."""
    snakefile = folder / f"bare_{count}.smk"
    snakefile.write_text(BARE.format(count=count), encoding="utf-8")
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)]
    return cost([*snakemake, "--dry-run", "--quiet", "all", "--cores", "2"], folder)


def write_results(count: int, folder: Path) -> None:
    """Write made-up histories of runs, and their crossings."""
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
            "training_data": {},
            "pixel_scaling": [1.0, 0.0],
            "machine": {"processor": "Abacus 3", "blas": ""},
            "versions": {"python": "3.11", "numpy": "2", "scipy": "1"},
            "engine": "0123",
        }
        of_history, of_crossings = (
            folder / pattern.replace("*", f"{run:05}") for pattern in (HISTORIES, CROSSINGS)
        )
        for path in (of_history, of_crossings):
            path.parent.mkdir(parents=True)
        history.write(of_history, table, metadata)
        evaluations = history.evaluations(table)
        step, before = evaluations[ROWS // 2].step, evaluations[ROWS // 2 - 1].step
        found = dict.fromkeys(crossings.listed(TARGETS), Crossing(step, before, "evaluations"))
        costs = crossings.tabulate(found, evaluations, [], MiniBatches(60000, batch_size))
        crossings.write(of_crossings, costs)


def race(count: int, folder: Path) -> None:
    """Decide a race of so many configurations, and print what each round costs."""
    write_results(1, folder / "made_up")
    history_file, crossings_file = (
        next((folder / "made_up").glob(pattern)) for pattern in (HISTORIES, CROSSINGS)
    )
    rates = [0.001 * (index + 1) for index in range(count // 10)]
    sweep = {
        **{"batch_size": list(range(1, 11)), "learning_rate": rates, "repeats": 3},
        **{"pruning": {"enabled": True}, "targets": TARGETS, "budget": {"seconds": 14}},
    }
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")) | sweep
    overlay = folder / "race.yaml"
    overlay.write_text(yaml.safe_dump(sweep), encoding="utf-8")
    planned = experiment.plan(config)
    if planned.race is None:
        raise SystemExit("no race")
    random = np.random.default_rng(0)
    courses = {
        (run["batch_size"], run["learning_rate"], run["seed"]): races.Course(times, times)
        for run in planned.runs.values()
        for times in [np.exp(random.normal(1, 1, size=3)).tolist()]
    }
    print("| round | runs | seconds to read | seconds to decide | start of Snakemake |")
    print("|---|---|---|---|---|")
    decided = rounds.decide(planned.race, Round(), {}, {})
    while not decided.is_over:
        file = folder / f"results/decide/race/round_{decided.number}.json"
        store.write(file, decided)
        for name in decided.train:
            run = folder / "results/train" / name
            run.mkdir(parents=True)
            os.link(history_file, run / "history.parquet")
            for output in ("clock.parquet", "weights.npz", "specification.json"):
                (run / output).touch()
        for trial in decided.sought:
            sought = runs.targets_name(config, trial.sought)
            found = folder / f"results/find_crossings/{trial.name}/{sought}.parquet"
            found.parent.mkdir(parents=True, exist_ok=True)
            os.link(crossings_file, found)
        began = time.perf_counter()
        for name in decided.train:
            history.read(folder / "results/train" / name / "history.parquet")
        read = time.perf_counter()
        row = f"| {decided.number} | {len(decided.train)} | {read - began:.1f} | "
        results, crossed = races.outcome(planned.race, decided, courses)
        read = time.perf_counter()
        decided = rounds.decide(planned.race, decided, results, crossed)
        row += f"{time.perf_counter() - read:.1f} | "
        snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        options = ["--dry-run", "--quiet", "all", "--cores", "2", "--rerun-triggers", "input"]
        files = ["--configfile", str(ROOT / "config.yaml"), str(overlay)]
        print(f"{row}{cost([*snakemake, *options, *files], folder)} |", flush=True)


def main() -> None:
    """Measure and print the table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--race", type=int, help="configurations of a race, instead of the table")
    options = parser.parse_args()
    if options.race:
        with tempfile.TemporaryDirectory() as name:
            race(options.race, Path(name))
        return
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
