"""Collect in one table where the runs of an experiment reached their targets."""

from pathlib import Path

from batch_race.store import crossings, logs, parquet


def main() -> None:
    """Check the files and write them as one table."""
    logs.start(snakemake.log[0])
    # results/find_crossings/<run>/<targets>.parquet, results/train/<run>/history.parquet
    found = {Path(path).parts[2:-1]: Path(path) for path in snakemake.input.crossings}
    histories = [Path(path) for path in snakemake.input.histories]
    pairs = [(path, found.get(path.parts[2:-1])) for path in histories]
    table = crossings.collect(pairs, snakemake.params.targets)
    parquet.write(Path(snakemake.output.crossings), table)


if __name__ == "__main__":
    main()
