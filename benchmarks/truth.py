"""Check the workflow's times to targets, winners and verdicts against densely evaluated runs.

    python -m benchmarks.truth --mnist DATA

DATA is a folder with MNIST's four files. The real workflow runs, one budget after the other in one
folder, so that each goes on from the one before. Then each run is trained again and evaluated at
every step of the grid, and at three steps between two of these, and the truth is read off the clock
of the timed run. It takes hours; --budgets, --batch-sizes and --inputs do a part.
"""

import argparse
import itertools
import json
import math
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from batch_race.analyze import comparison, measures, statistics
from batch_race.data.examples import open_examples
from batch_race.hyperparameters import RUN
from batch_race.run import cores
from batch_race.run.snapshots import Snapshots
from batch_race.run.timed_run import Run
from batch_race.store import clock, crossings, history, parquet
from benchmarks.checkout import Checkout
from nn import grid
from nn.records import Reading
from nn.targets import Crossing, Score

RATES = {
    "raw": {1: 3e-4, 8: 3e-3, 32: 1e-2, 128: 3e-2, 512: 0.1, 2048: 0.3, 60000: 0.3},
    "unit": {1: 0.1, 8: 1.0, 32: 1.0, 128: 1.0, 512: 1.0, 2048: 2.0, 60000: 2.0},
}
TARGETS: dict[str, list[float]] = {"loss": [1.0, 0.5, 0.3, 0.2, 0.1], "accuracy": [85, 90, 95]}
Scores = dict[int, Score]

FINER = 4
"""Evaluations of the truth for each step of the grid."""


def main() -> None:
    """Run the workflow and the truth, and print how they compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mnist", type=Path, required=True, help="folder with MNIST's four files")
    parser.add_argument("--inputs", nargs="*", choices=RATES, default=list(RATES))
    parser.add_argument("--budgets", nargs="*", type=float, default=[4, 14, 20, 60])
    parser.add_argument("--batch-sizes", nargs="*", type=int, default=list(RATES["raw"]))
    parser.add_argument("--repeats", type=int, default=1, help="seeds; verdicts take at least 2")
    parser.add_argument("--cost", action="store_true", help="only the cost, as config.yaml is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        checkout = Checkout(Path(name), options.mnist.resolve())
        if options.cost:
            print(cost(checkout, {"experiment": "cost"}))
            return
        print(
            "| inputs | seconds | reached | on the same grid | on a grid 4 times finer, at most "
            "| over 3 % | winners | verdicts | replay |\n|---|---|---|---|---|---|---|---|---|"
        )
        for inputs in options.inputs:
            race(checkout, inputs, options)


def race(checkout: Checkout, inputs: str, options: argparse.Namespace) -> None:
    """Print a line for each budget."""
    seeds = list(range(1234, 1234 + options.repeats))
    scores: dict[tuple[int, int], Scores] = {}
    first, *others = [
        {"batch_size": [size], "learning_rate": [RATES[inputs][size]], "seed": seeds}
        for size in options.batch_sizes
    ]
    for budget in sorted(options.budgets):
        experiment = f"{inputs}_{budget:g}"
        config = {
            **{"experiment": experiment, "inputs": inputs, "targets": TARGETS},
            **{"budget": {"seconds": budget}, **first, "include": others},
        }
        share = cost(checkout, config)
        results = checkout.folder / "results"
        runs, _ = parquet.read(results / "summarize" / experiment / "runs.parquet")
        answers = json.loads((results / "compare" / experiment / "answer.json").read_text())
        histories = history.read_collected(results / "collect" / experiment / "histories.parquet")
        metadata = json.loads((results / "collect" / experiment / "runs.json").read_text())
        found: dict[str, list[pl.DataFrame]] = {"grid": [], "finer": []}
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(cores.available(), spawn) as pool:
            keys = [
                (each["specification"]["batch_size"], each["specification"]["seed"])
                for each in metadata.values()
            ]
            each_folder = [checkout.folder / folder for folder in metadata]
            given = [scores.get(key, {}) for key in keys]
            for key, of_run, (tables, evaluated) in zip(
                keys, metadata.values(), pool.map(truth, each_folder, given), strict=True
            ):
                scores[key] = evaluated
                for name, table in tables.items():
                    found[name].append(crossings.of_run(table, of_run))
        truths = {
            name: measures.per_run(histories, pl.concat(tables), TARGETS, "training")
            for name, tables in found.items()
        }
        print(line(inputs, budget, runs, answers, truths, share), flush=True)


def line(
    inputs: str,
    budget: float,
    runs: pl.DataFrame,
    answers: list[dict[str, Any]],
    truths: dict[str, pl.DataFrame],
    share: str,
) -> str:
    """Compare the workflow's results with the truth."""
    of_all = {name: deviations(runs, truth) for name, truth in truths.items()}
    finer = of_all["finer"]
    worst = max(finer, key=lambda each: abs(each[1]), default=("", 0.0))
    over = [f"{name} ({off:+.1%})" for name, off in finer if abs(off) > 0.03]
    exact = comparison.compare(truths["finer"], statistics.summarize(truths["finer"]))
    winners = verdicts = n_verdicts = 0
    for said, true in zip(answers, exact, strict=True):
        first = [
            each["ranking"][0]["batch_size"] if each["ranking"] else 0 for each in (said, true)
        ]
        winners += first[0] == first[1]
        ours, theirs = (
            {each["batch_size"]: each["verdict"] for each in answer["ranking"][1:]}
            for answer in (said, true)
        )
        n_verdicts += len(theirs)
        verdicts += sum(ours.get(size) == verdict for size, verdict in theirs.items())
    same = max((abs(off) for _, off in of_all["grid"]), default=0.0)
    cells = (
        inputs,
        f"{budget:g}",
        len(finer),
        f"{same:.1%}",
        f"{worst[1]:+.1%} ({worst[0]})",
        ", ".join(over) or "none",
        f"{winners} of {len(exact)}",
        f"{verdicts} of {n_verdicts}",
        share,
    )
    return f"| {' | '.join(map(str, cells))} |"


def deviations(runs: pl.DataFrame, truth: pl.DataFrame) -> list[tuple[str, float]]:
    """List how far the seconds to each target are off; infinite where one of the two has none."""
    keys = [*RUN, "target", "target_value"]
    seconds = runs.filter(measure="seconds").join(truth.filter(measure="seconds"), on=keys)
    found = []
    for row in seconds.to_dicts():
        ours, theirs = row["value"], row["value_right"]
        name = f"{row['batch_size']} to {row['target']} {row['target_value']:g}"
        if ours is not None and theirs is not None:
            found.append((name, ours / theirs - 1 if theirs else 0.0))
        elif ours is not theirs:
            found.append((name, float("inf")))
    return found


def truth(folder: Path, scores: Scores) -> tuple[dict[str, pl.DataFrame], Scores]:
    """Find where a run reached each target, on the grid and on the finer one.

    Parameters
    ----------
    folder : Path
        The run's.
    scores : dict of int to Score
        What is known by step, from a smaller budget.

    Returns
    -------
    dict of str to polars.DataFrame
        Crossings.
    dict of int to Score
    """
    table, metadata = history.read(folder / "history.parquet")
    evaluations = history.evaluations(table)
    readings = clock.read(folder / "clock.parquet")
    run, last = opened(folder.parents[3], metadata["specification"]), evaluations[-1]
    replay = run.replay(Snapshots(folder / "none", ""))
    scores = scores.copy()
    targets = crossings.listed(TARGETS)
    nowhere = dict.fromkeys(targets, Crossing(None, None, "grid"))
    found = {"grid": nowhere.copy(), "finer": nowhere.copy()}
    for step in finer(last.step):
        is_last = step == last.step
        if is_last:
            score = Score(last.training_loss, last.test_accuracy)
        elif step in scores:
            score = scores[step]
        else:
            replay.go_to(step)
            left = {each.metric for each, crossing in found["grid"].items() if not crossing.step}
            score = scores[step] = Score(
                replay.loss() if "loss" in left else math.nan,
                replay.accuracy() if "accuracy" in left else math.nan,
            )
        names = ["finer", "grid"] if is_last or grid.contains(step) else ["finer"]
        for name, target in itertools.product(names, targets):
            if found[name][target].step is None and target.is_reached(score):
                found[name][target] = Crossing(step, step and step - 1, "grid")
        if all(each.step is not None for each in found["grid"].values()):
            break
    # The clock was read at the steps of the grid; between two of them all take as long.
    known = [(each.step, each.training_seconds, each.wall_seconds) for each in readings]
    steps, *clocks = zip(*known, strict=True)
    for step in {each.step for each in found["finer"].values()} - {None, *steps}:
        readings.append(Reading(step, *(float(np.interp(step, steps, each)) for each in clocks)))
    tables = {
        name: crossings.tabulate(each, evaluations, readings, run.batches)
        for name, each in found.items()
    }
    return tables, scores


def opened(results: Path, specification: dict[str, Any]) -> Run:
    """Open a run's data."""
    files = [("parse", "images.npy"), ("parse", "labels.npy")]
    files += [("prepare", "dense.npy"), ("prepare", "sparse.npz")]
    data = {
        f"{part}_{name.partition('.')[0]}": results / rule / "mnist" / f"{part}_{name}"
        for part in ("train", "test")
        for rule, name in files
    }
    data["columns"] = results / "prepare" / "mnist" / "columns.npy"
    return Run(specification, *(open_examples(data, part) for part in ("train", "test")))


def finer(last: int) -> Iterator[int]:
    """List the steps of the finer grid up to a last step."""
    for start, stop in itertools.pairwise([0, *grid.between(0, last), last]):
        yield from sorted({start + (stop - start) * part // FINER for part in range(FINER)})
    yield last


def cost(checkout: Checkout, config: dict[str, Any]) -> str:
    """Run the workflow; tell what part of its wall time the replays take."""
    times = []
    for goal in ("prepare", "train", "find_crossings", "all"):
        started = time.perf_counter()
        checkout.run(config, until=goal)
        times.append(time.perf_counter() - started)
    return f"{times[2]:.0f} s of {sum(times):.0f}"


if __name__ == "__main__":
    main()
