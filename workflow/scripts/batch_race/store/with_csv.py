"""The tables of an experiment, for people and other programs: each as parquet and as CSV.

Apart from `parquet`, on which the runs depend.
"""

from pathlib import Path

import polars as pl

from batch_race.store import parquet
from batch_race.store.files import replacing


def write(path: Path, table: pl.DataFrame) -> None:
    """Write a table as parquet, and beside it as CSV.

    Parameters
    ----------
    path : Path
        Of the parquet file; the other has the suffix `.csv`.
    table : polars.DataFrame
        The CSV file is without its nested columns.
    """
    parquet.write(path, table)
    flat = [name for name, kind in table.schema.items() if not kind.is_nested()]
    with replacing(path.with_suffix(".csv")) as temporary:
        table.select(flat).write_csv(temporary)
