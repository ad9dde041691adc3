"""Compare the learning rates that `learning_rate: auto` finds with those of a dense grid.

    python -m benchmarks.rate_search --mnist FOLDER

FOLDER has MNIST's four files. Each batch size is raced with `learning_rate: auto` and whole
budgets; then at all rates a factor of 10^(1/4) apart, from the lowest to the highest that were
tried for it. Prints for each batch size and target that was reached the best rate found, whether
others were tried on both sides, and its time over the best of the dense grid. It takes a quarter of
an hour on two cores.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from batch_race.analyze import rate_search
from batch_race.analyze.targets import describe_target
from batch_race.store import parquet
from benchmarks.checkout import Checkout

BATCH_SIZES = (1, 8, 32, 128, 512, 2048, 8192, 60000)
TARGETS = {"loss": [0.5, 0.3, 0.2, 0.1], "accuracy": [90, 95]}
TOLERANCE = 1.05


def main() -> None:
    """Race with rates to be found and with a dense grid, and print a table of both."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mnist", type=Path, required=True, help="folder with MNIST's four files")
    parser.add_argument("--seconds", type=float, default=7, help="of training, for each run")
    parser.add_argument("--batch-sizes", nargs="*", type=int, default=list(BATCH_SIZES))
    options = parser.parse_args()
    common: dict[str, Any] = {
        "budget": {"seconds": options.seconds},
        "evaluation": {"time_fraction": 0.3},
        "targets": TARGETS,
    }
    with tempfile.TemporaryDirectory() as name:
        checkout = Checkout(Path(name), options.mnist.resolve())
        sizes = {"batch_size": options.batch_sizes, "learning_rate": "auto"}
        found = race(checkout, common | sizes | {"experiment": "auto"})
        rates = {
            size: dense(found.filter(batch_size=size)["learning_rate"].unique().to_list())
            for size in options.batch_sizes
        }
        lists = [{"batch_size": size, "learning_rate": tried} for size, tried in rates.items()]
        grid = {**lists[0], "include": lists[1:]}
        report(found, race(checkout, common | grid | {"experiment": "dense"}))


def race(checkout: Checkout, config: dict[str, Any]) -> pl.DataFrame:
    """Return the seconds to each target of each configuration."""
    checkout.run(config, until="all")
    path = checkout.folder / f"results/summarize/{config['experiment']}/summary.parquet"
    summary, _ = parquet.read(path)
    return summary.filter(pl.col("measure") == "seconds")


def dense(tried: Sequence[float]) -> list[float]:
    """Return all rates of the lattice between the lowest and the highest tried."""
    places = range(rate_search.LOWEST, rate_search.HIGHEST + 1)
    every = map(rate_search.rate, places)
    return [rate for rate in every if min(tried) <= rate <= max(tried)]


def report(found: pl.DataFrame, grid: pl.DataFrame) -> None:
    """Print how the best rates that were found compare with the best of the grid."""
    heading = ["batch size", "target", "rates tried", "best rate found", "interior", "seconds"]
    heading += ["best rate of the grid", "seconds there", "ratio"]
    print(f"| {' | '.join(heading)} |\n|{'---|' * len(heading)}")
    ratios = []
    for (size, target, value), rows in found.drop_nulls("median").group_by(
        "batch_size", "target", "target_value", maintain_order=True
    ):
        tried = found.filter(batch_size=size)["learning_rate"].unique().sort().to_list()
        best = rows.sort("median").row(0, named=True)
        of_grid = grid.filter(batch_size=size, target=target, target_value=value)
        at_best = of_grid.drop_nulls("median").sort("median").row(0, named=True)
        is_interior = tried[0] < best["learning_rate"] < tried[-1]
        ratio = best["median"] / at_best["median"]
        ratios.append((size, ratio, is_interior))
        name = describe_target({"target": target, "target_value": value})
        cells = [str(size), name, str(len(tried)), f"{best['learning_rate']:g}"]
        cells += ["yes" if is_interior else "no", f"{best['median']:.3g}"]
        cells += [f"{at_best['learning_rate']:g}", f"{at_best['median']:.3g}", f"{ratio:.3f}"]
        print(f"| {' | '.join(cells)} |")
    good = sum(ratio <= TOLERANCE for _, ratio, _ in ratios)
    whole = {size for size, _, _ in ratios}
    bad = {size for size, ratio, _ in ratios if ratio > TOLERANCE}
    ends = {size for size, _, is_interior in ratios if not is_interior}
    print(
        f"\nWithin {100 * (TOLERANCE - 1):.0f} % of the grid's best: {good} of {len(ratios)} times;"
    )
    print(f"all times of {len(whole - bad)} of {len(whole)} batch sizes.")
    print(f"Interior for all targets: {len(whole - ends)} of {len(whole)} batch sizes.")


if __name__ == "__main__":
    main()
