"""Collect in one table where the runs of an experiment reached their targets."""

from pathlib import Path

from batch_race.store import crossings, logs, parquet


def main() -> None:
    """Check the files and write them as one table."""
    logs.start(snakemake.log[0])
    pairs = zip(snakemake.input.histories, snakemake.input.crossings, strict=True)
    table = crossings.collect([(Path(history), Path(found)) for history, found in pairs])
    parquet.write(Path(snakemake.output.crossings), table)


if __name__ == "__main__":
    main()
