"""Lay the histories of an experiment's runs into one table."""

from pathlib import Path

import polars as pl

from workflow.scripts.common import history, logs
from workflow.scripts.common.files import replacing


def main() -> None:
    """Check each history and write them as one."""
    logs.start(snakemake.log[0])
    tables = [history.with_run(*history.read(Path(path))) for path in snakemake.input.histories]
    with replacing(Path(snakemake.output.histories)) as temporary:
        pl.concat(tables).write_parquet(temporary)


if __name__ == "__main__":
    main()
