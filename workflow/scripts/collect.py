"""Lay the histories of an experiment's runs into one table."""

from pathlib import Path

from workflow.scripts.common import history, logs, parquet


def main() -> None:
    """Check each history and write them as one."""
    logs.start(snakemake.log[0])
    table = history.collect([Path(path) for path in snakemake.input.histories])
    parquet.write(Path(snakemake.output.histories), table)


if __name__ == "__main__":
    main()
