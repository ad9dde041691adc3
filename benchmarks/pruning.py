"""Measure what pruning saves, and whether its answer is that of the full sweep.

    python -m benchmarks.pruning --mnist FOLDER

FOLDER has MNIST's four files. The study's grid (config/study.yaml, without the chapter's rate where
it is not among a batch size's four) is made in full, then with pruning, each in a copy of the
project of its own; their core-seconds of training and their wall times, with all jobs and charts,
are printed. Then 200 sweeps are drawn from the full one's runs, and the answers of the full and of
the pruned sweep are compared. It takes three quarters of an hour on two cores.

    python -m benchmarks.pruning --simulate

simulates how often equal batch sizes are called slower, with all looks at further seeds.
"""

import argparse
import math
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from batch_race.analyze.comparison import Answer
from batch_race.store import history, parquet
from benchmarks import races
from benchmarks.checkout import ROOT, Checkout
from benchmarks.races import Course

BUDGETS = races.budgets(14, 5)
FACTOR = 1.5
SEEDS = (3, 6)
DESIGNS = ((4, 1), (8, 1), (8, 3))
"""Batch sizes, and learning rates of each."""

NOISES = (0.03, 0.1, 0.3)
"""Standard deviations of the logarithms of times."""

Key = tuple[int, float, int]


def main() -> None:
    """Measure or simulate, and print tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mnist", type=Path, help="folder with MNIST's four files")
    parser.add_argument("--folder", type=Path, help="where the copies are kept; else they are not")
    parser.add_argument("--sweeps", type=int, default=200, help="drawn from the full one's runs")
    parser.add_argument("--simulate", action="store_true")
    parser.add_argument("--simulations", type=int, default=2000)
    options = parser.parse_args()
    if options.simulate:
        simulate(options.simulations)
        return
    if options.mnist is None:
        parser.error("--mnist or --simulate is needed")
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        measure(folder, options.mnist.resolve())
        resample(folder / "full", options.sweeps)


def measure(folder: Path, mnist: Path) -> None:
    """Make the study's grid in full and with pruning, and print what they cost."""
    study = yaml.safe_load((ROOT / "config" / "study.yaml").read_text("utf-8"))
    study["include"] = [
        each for each in study["include"] if isinstance(each["learning_rate"], list)
    ]
    print("| sweep | runs | core-seconds of training | wall seconds |\n|---|---|---|---|")
    sweeps = {"full": {}, "pruned": {"pruning": {"enabled": True}}}
    for name in sweeps:
        (folder / name).mkdir(parents=True)
    checkouts = {name: Checkout(folder / name, mnist) for name in sweeps}
    costs = []
    for name, pruning in sweeps.items():
        checkout = checkouts[name]
        began = time.monotonic()
        checkout.run(study | pruning, until="all")
        wall_seconds = time.monotonic() - began
        trained = _trained_seconds(folder / name)
        costs.append((sum(trained.values()), wall_seconds))
        print(
            f"| {name} | {len(trained)} | {costs[-1][0]:,.0f} | {wall_seconds:,.0f} |", flush=True
        )
    shares = [pruned / full for full, pruned in zip(*costs, strict=True)]
    print(f"| share | | {shares[0]:.3f} | {shares[1]:.3f} |")


def _trained_seconds(folder: Path) -> dict[Path, float]:
    """Return the training seconds of each run, with its longest budget."""
    longest: dict[Path, float] = {}
    for path in folder.glob("results/train/*/*/*/history.parquet"):
        table, _ = history.read(path)
        run = path.parents[1]
        longest[run] = max(longest.get(run, 0.0), float(table["training_seconds"][-1]))
    return longest


def resample(folder: Path, n_sweeps: int) -> None:
    """Draw sweeps from the runs of a full one; print how pruning changes their answers."""
    stored, targets = read_courses(folder)
    rates: dict[int, list[float]] = {}
    for size, rate, _ in sorted(stored):
        tried = rates.setdefault(size, [])
        if rate not in tried:
            tried.append(rate)
    seeds = sorted({seed for _, _, seed in stored})
    random = np.random.default_rng(1)
    counts: Counter[str] = Counter()
    shares = []
    for _ in range(n_sweeps):
        courses = {
            (size, rate, seed): stored[(size, rate, int(random.choice(seeds)))]
            for size, rate, seed in sorted(stored)
        }
        full = races.plan(rates, seeds, targets, BUDGETS[-1:], None)
        pruned = races.plan(rates, seeds, targets, BUDGETS, FACTOR)
        ends = [races.run(race, courses) for race in (full, pruned)]
        answers = [
            races.answer(race, end, courses) for race, end in zip((full, pruned), ends, strict=True)
        ]
        found = Counter(
            difference for pair in zip(*answers, strict=True) for difference in compare(*pair)
        )
        counts += found
        counts["sweeps with the same winners"] += not found["winner"]
        counts["sweeps without a contradicted verdict"] += not found["contradicted"]
        counts["sweeps without both"] += not (found["winner"] or found["contradicted"])
        spent = [
            races.training_seconds(race, end)
            for race, end in zip((full, pruned), ends, strict=True)
        ]
        shares.append(spent[1] / spent[0])
    low, middle, high = np.quantile(shares, [0.05, 0.5, 0.95])
    print(
        f"\n{n_sweeps} sweeps drawn from the runs of the full one: training {middle:.3f} ", end=""
    )
    print(f"({low:.3f} to {high:.3f}) of the full sweep's")
    for name, count in sorted(counts.items()):
        print(f"- {name}: {count}")


def compare(full: Answer, pruned: Answer) -> Iterator[str]:
    """Yield in what two answers to one question differ; see docs/method.md for the names."""
    leaders = [
        each["ranking"][0]["batch_size"] if each["ranking"] else None for each in (full, pruned)
    ]
    if leaders[0] != leaders[1]:
        yield "winner"
    if any(_contradicts(*pair) for pair in ((full, pruned), (pruned, full))):
        yield "contradicted"
    verdicts = [
        {each["batch_size"]: each["verdict"] for each in answer["ranking"][1:]}
        for answer in (full, pruned)
    ]
    for size in verdicts[0].keys() & verdicts[1].keys():
        pair = verdicts[0][size], verdicts[1][size]
        if pair[0] == pair[1]:
            yield "verdicts: the same"
        else:
            yield f"verdicts: {pair[0]} in full, {pair[1]} pruned"
        if pair == ("not distinguishable", "slower"):
            yield "more definite"
    for size in verdicts[0].keys() - verdicts[1].keys():
        yield f"verdicts: {verdicts[0][size]} in full, none pruned"
    stopped = {each["batch_size"] for each in pruned["stopped"]}
    for each in full["ranking"]:
        if each["batch_size"] in stopped:
            # Its fastest rate was within the factor of the winner in the full sweep.
            if each["seconds"] < FACTOR * full["ranking"][0]["seconds"]:
                yield "stopped, but within the factor in full"
            if each.get("verdict") == "not distinguishable":
                yield "stopped, but not distinguishable in full"


def _contradicts(answer: Answer, other: Answer) -> bool:
    """Return whether one answer calls another's winner slower, or gives ratios that exclude its."""
    entries = {each["batch_size"]: each for each in answer["ranking"]}
    for rank, of_other in enumerate(other["ranking"]):
        own = entries.get(of_other["batch_size"], {})
        if rank == 0:
            if own.get("verdict") == "slower":
                return True
        elif None not in (own.get("ratio_low"), of_other.get("ratio_high")):
            # Ratios to the same winner.
            is_same = answer["ranking"][0]["batch_size"] == other["ranking"][0]["batch_size"]
            if is_same and own["ratio_low"] > of_other["ratio_high"]:
                return True
    return False


def read_courses(folder: Path) -> tuple[dict[Key, Course], dict[str, list[float]]]:
    """Return the courses of a full sweep's runs, and its targets."""
    (path,) = folder.glob("results/summarize/*/runs.parquet")
    measures, _ = parquet.read(path)
    (path,) = folder.glob("results/collect/*/histories.parquet")
    histories = history.read_collected(path)
    seconds = measures.filter(pl.col("measure") == "seconds")
    asked = seconds.select("target", "target_value").unique(maintain_order=True).rows()
    targets = {
        kind: [value for name, value in asked if name == kind] for kind in ("loss", "accuracy")
    }
    ordered = [(kind, value) for kind in ("loss", "accuracy") for value in sorted(targets[kind])]
    targets = {kind: sorted(values) for kind, values in targets.items()}
    times, steps = (
        _by_run(measures.filter(pl.col("measure") == measure)) for measure in ("seconds", "steps")
    )
    courses = {}
    for (size, rate, seed), rows in histories.group_by("batch_size", "learning_rate", "seed"):
        key = int(str(size)), float(str(rate)), int(str(seed))
        rows = rows.sort("wall_seconds")
        shown = []
        for kind, value in ordered:
            is_there = (
                pl.col("training_loss") <= value
                if kind == "loss"
                else pl.col("test_accuracy") >= value
            )
            there = rows.filter(is_there)["training_seconds"]
            shown.append(float(there[0]) if len(there) else math.inf)
        pace = rows["training_seconds"][-1] / rows["step"][-1]
        courses[key] = Course(
            [times[key][each] for each in ordered],
            shown,
            [steps[key][each] * pace for each in ordered],
        )
    return courses, targets


def _by_run(measures: pl.DataFrame) -> dict[Key, dict[Any, float]]:
    """Return a measure of each run by its target; infinite where that was missed."""
    values: dict[Key, dict[Any, float]] = {}
    for row in measures.to_dicts():
        key = row["batch_size"], row["learning_rate"], row["seed"]
        value = math.inf if row["value"] is None else row["value"]
        values.setdefault(key, {})[(row["target"], row["target_value"])] = value
    return values


Noise = Mapping[str, Any]

PATTERNS = {
    "equal noise": lambda sizes, rates: np.ones(sizes * rates),
    "every second × 3": lambda sizes, rates: 1 + 2.0 * (np.arange(sizes * rates) % 2),
    "one × 3": lambda sizes, rates: 1 + 2.0 * (np.arange(sizes * rates) == 0),
}
"""Standard deviations of the configurations, relative to the noise."""


def simulate(count: int) -> None:
    """Print how often any batch size is called slower where all are equally fast."""
    columns = [f"{sizes} × {rates}, {seeds} seeds" for sizes, rates in DESIGNS for seeds in SEEDS]
    print(f"| noise | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    for name, pattern in PATTERNS.items():
        for noise in NOISES:
            cells = []
            for sizes, rates in DESIGNS:
                scale = noise * pattern(sizes, rates)
                # With several rates, each batch size has one good one.
                behind = np.where(np.arange(sizes * rates) % rates, math.log(2), 0.0)
                for seeds in SEEDS:
                    false, spent = _false_slower(sizes, rates, seeds, scale, behind, count)
                    cells.append(f"{100 * false:.1f} ({spent:.2f})")
            print(f"| {name}, {noise:g} | {' | '.join(cells)} |", flush=True)


def _false_slower(
    sizes: int, rates: int, seeds: int, scale: Any, behind: Any, count: int
) -> tuple[float, float]:
    """Return how often any is called slower, and the share of the full sweep's training."""
    random = np.random.default_rng(0)
    tried = {2**size: [0.01 * 2**rate for rate in range(rates)] for size in range(sizes)}
    keys = [(size, rate) for size, of_size in tried.items() for rate in of_size]
    race = races.plan(tried, range(seeds), {"loss": [0.1], "accuracy": []}, BUDGETS, FACTOR)
    n_false, spent = 0, 0.0
    for _ in range(count):
        draws = (
            math.log(2.0)
            + behind[:, None]
            + scale[:, None] * random.normal(size=(len(keys), seeds))
        )
        courses = {
            (*key, seed): Course([time], [time])
            for key, row in zip(keys, np.exp(draws), strict=True)
            for seed, time in enumerate(row.tolist())
        }
        last = races.run(race, courses)
        (answer,) = races.answer(race, last, courses)
        n_false += any(each.get("verdict") == "slower" for each in answer["ranking"])
        spent += races.training_seconds(race, last) / (BUDGETS[-1] * len(courses))
    return n_false / count, spent / count


if __name__ == "__main__":
    main()
