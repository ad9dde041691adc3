"""Check the workflow's times to targets, winners and verdicts against densely evaluated runs.

    python -m benchmarks.truth --mnist FOLDER

FOLDER has MNIST's four files. The real workflow runs with one budget after the other in one folder,
so that each run resumes from the one before. Then each run is repeated with an evaluation at every
step of the grid, and the true times are read from the clock of the timed run. With --finer N, N
evaluations for each step of the grid show what the grid itself hides; with --rate-factor 3, the
runs are noisier. It takes hours; --budgets, --batch-sizes and --inputs do a part.
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
from functools import partial
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
TOLERANCE = 0.03
"""Times further off than this are listed."""

Scores = dict[int, Score]
"""By step."""

Crossings = dict[int, pl.DataFrame]
"""By the number of evaluations for each step of the grid: 1, and that of the finer grid, if any."""


def main() -> None:
    """Run the workflow and the dense evaluations, and print a table of how they compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mnist", type=Path, required=True, help="folder with MNIST's four files")
    parser.add_argument("--inputs", nargs="*", choices=RATES, default=list(RATES))
    parser.add_argument("--budgets", nargs="*", type=float, default=[4, 14, 20, 60])
    parser.add_argument("--batch-sizes", nargs="*", type=int, default=list(RATES["raw"]))
    parser.add_argument("--rate-factor", type=float, default=1, help="of all learning rates")
    parser.add_argument("--repeats", type=int, default=1, help="seeds; verdicts take at least 2")
    parser.add_argument(
        "--finer", type=int, default=1, help="evaluations for each step of the grid"
    )
    parser.add_argument("--cost", action="store_true", help="only the cost, as config.yaml is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        checkout = Checkout(Path(name), options.mnist.resolve())
        if options.cost:
            print(cost(checkout, {"experiment": "cost"}))
            return
        head = ["inputs", "seconds", "reached", "off by, at most", f"over {100 * TOLERANCE:g} %"]
        head += ["winners", "verdicts", "replay"]
        if options.finer > 1:
            head.append(f"on a grid {options.finer} times finer, at most")
        print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
        for inputs in options.inputs:
            race(checkout, inputs, options)


def race(checkout: Checkout, inputs: str, options: argparse.Namespace) -> None:
    """Print a row for each budget."""
    seeds = list(range(1234, 1234 + options.repeats))
    scores: dict[str, Scores] = {}
    first, *others = [
        {
            "batch_size": [size],
            "learning_rate": [options.rate_factor * RATES[inputs][size]],
            "seed": seeds,
        }
        for size in options.batch_sizes
    ]
    for budget in sorted(options.budgets):
        experiment = f"{inputs}_{budget:g}"
        config = {
            **{"experiment": experiment, "inputs": inputs, "targets": TARGETS},
            **{"budget": {"seconds": budget}, **first, "include": others},
        }
        replay = cost(checkout, config)
        results = checkout.folder / "results"
        runs, _ = parquet.read(results / "summarize" / experiment / "runs.parquet")
        answers = json.loads((results / "compare" / experiment / "answer.json").read_text("utf-8"))
        histories = history.read_collected(results / "collect" / experiment / "histories.parquet")
        metadata = json.loads((results / "collect" / experiment / "runs.json").read_text("utf-8"))
        folders = [checkout.folder / folder for folder in metadata]
        # All budgets of a run share a folder, and so their scores.
        keys = [str(folder.parent) for folder in folders]
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(cores.available(), spawn) as pool:
            given = [scores.get(key, {}) for key in keys]
            found = list(pool.map(partial(truth, finer=options.finer), folders, given))
        scores |= {key: evaluated for key, (_, evaluated) in zip(keys, found, strict=True)}
        truths = {
            n_evaluations: measures.per_run(
                histories,
                pl.concat(
                    crossings.of_run(tables[n_evaluations], of_run)
                    for (tables, _), of_run in zip(found, metadata.values(), strict=True)
                ),
                TARGETS,
                "training",
            )
            for n_evaluations in found[0][0]
        }
        cells = [inputs, f"{budget:g}", *compare(runs, answers, truths[1]), replay]
        cells += [worst(runs, each) for n_evaluations, each in truths.items() if n_evaluations > 1]
        print(f"| {' | '.join(cells)} |", flush=True)


def compare(runs: pl.DataFrame, answers: list[dict[str, Any]], truth: pl.DataFrame) -> list[str]:
    """Return cells that compare the workflow's times, winners and verdicts with the true ones."""
    off = deviations(runs, truth)
    over = [f"{name} ({each:+.1%})" for name, each in off if abs(each) > TOLERANCE]
    exact = comparison.compare(truth, statistics.summarize(truth))
    winners = verdicts = n_verdicts = 0
    for answer, expected in zip(answers, exact, strict=True):
        ours, theirs = (
            {each["batch_size"]: each.get("verdict") for each in ranked["ranking"]}
            for ranked in (answer, expected)
        )
        winners += next(iter(ours), None) == next(iter(theirs), None)
        others = list(theirs)[1:]  # the winner has no verdict
        n_verdicts += len(others)
        verdicts += sum(ours.get(size) == theirs[size] for size in others)
    return [
        str(len(off)),
        worst(runs, truth),
        ", ".join(over) or "none",
        f"{winners} of {len(exact)}",
        f"{verdicts} of {n_verdicts}",
    ]


def worst(runs: pl.DataFrame, truth: pl.DataFrame) -> str:
    """Return the largest deviation, as text."""
    name, off = max(deviations(runs, truth), key=lambda each: abs(each[1]), default=("", 0.0))
    return f"{off:+.1%} ({name})" if off else "0"


def deviations(runs: pl.DataFrame, truth: pl.DataFrame) -> list[tuple[str, float]]:
    """Return the relative error of the seconds to each target that is reached.

    Parameters
    ----------
    runs, truth : polars.DataFrame
        As `batch_race.analyze.measures.per_run` makes them.

    Returns
    -------
    list of tuple of str and float
        Batch size and target; infinite where only one of the two has the target reached.
    """
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


def truth(folder: Path, scores: Scores, finer: int) -> tuple[Crossings, Scores]:
    """Return the steps at which a run reached each target, by evaluating it densely.

    Parameters
    ----------
    folder : Path
        The run's.
    scores : dict of int to Score
        The known ones, from a smaller budget.
    finer : int
        Evaluations for each step of the grid.

    Returns
    -------
    crossings : dict of int to polars.DataFrame
    scores : dict of int to Score
    """
    table, metadata = history.read(folder / "history.parquet")
    evaluations = history.evaluations(table)
    readings = clock.read(folder / "clock.parquet")
    run, last = opened(folder.parents[3], metadata["specification"]), evaluations[-1]
    replay = run.replay(Snapshots(folder / "none", ""))
    scores = scores.copy()
    targets = crossings.listed(TARGETS)
    found = {n: dict.fromkeys(targets, Crossing(None, None, "grid")) for n in {1, finer}}
    for step in steps_until(last.step, finer):
        is_last = step == last.step
        if is_last:
            score = Score(last.training_loss, last.test_accuracy)
        elif step in scores:
            score = scores[step]
        else:
            replay.go_to(step)
            left = {each.metric for each, crossing in found[1].items() if crossing.step is None}
            score = scores[step] = Score(
                replay.loss() if "loss" in left else math.nan,
                replay.accuracy() if "accuracy" in left else math.nan,
            )
        for n_evaluations, target in itertools.product(found, targets):
            is_on_grid = n_evaluations > 1 or is_last or grid.contains(step)
            is_first = found[n_evaluations][target].step is None
            if is_on_grid and is_first and target.is_reached(score):
                found[n_evaluations][target] = Crossing(step, step and step - 1, "grid")
        if all(each.step is not None for each in found[1].values()):
            break
    # The clock was read at the steps of the grid; all steps between two of them take as long.
    known = [(each.step, each.training_seconds, each.wall_seconds) for each in readings]
    steps, *clocks = zip(*known, strict=True)
    off_grid = {each.step for each in found[finer].values()} - {None, *steps}
    for step in off_grid:
        readings.append(Reading(step, *(float(np.interp(step, steps, each)) for each in clocks)))
    tables = {
        n_evaluations: crossings.tabulate(each, evaluations, readings, run.batches)
        for n_evaluations, each in found.items()
    }
    return tables, scores


def steps_until(last: int, finer: int) -> Iterator[int]:
    """Return the steps of the grid, each followed by `finer` - 1 before the next, and the last."""
    for start, stop in itertools.pairwise([0, *grid.between(0, last), last]):
        yield from sorted({start + (stop - start) * part // finer for part in range(finer)})
    yield last


def opened(results: Path, specification: dict[str, Any]) -> Run:
    """Return a run on its data."""
    files = [("parse", "images.npy"), ("parse", "labels.npy")]
    files += [("prepare", "dense.npy"), ("prepare", "sparse.npz")]
    data = {
        f"{part}_{name.partition('.')[0]}": results / rule / "mnist" / f"{part}_{name}"
        for part in ("train", "test")
        for rule, name in files
    }
    data["columns"] = results / "prepare" / "mnist" / "columns.npy"
    return Run(specification, *(open_examples(data, part) for part in ("train", "test")))


def cost(checkout: Checkout, config: dict[str, Any]) -> str:
    """Run the workflow; return the seconds of the replays and of all, as text."""
    times = []
    for goal in ("prepare", "train", "find_crossings", "all"):
        started = time.perf_counter()
        checkout.run(config, until=goal)
        times.append(time.perf_counter() - started)
    return f"{times[2]:.0f} s of {sum(times):.0f}"


if __name__ == "__main__":
    main()
