"""Lay an experiment's histories into one table, and beside it what they say of their runs."""

import json
from pathlib import Path

from batch_race.store import history, logs, parquet
from batch_race.store.files import replacing


def main() -> None:
    """Check each history and write them as one."""
    logs.start(snakemake.log[0])
    paths = [Path(path) for path in snakemake.input.histories]
    parquet.write(Path(snakemake.output.histories), history.collect(paths))
    runs = {str(path.parent): history.read_metadata(path) for path in paths}
    with replacing(Path(snakemake.output.runs)) as temporary:
        temporary.write_text(json.dumps(runs) + "\n")


if __name__ == "__main__":
    main()
