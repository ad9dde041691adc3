"""Collect an experiment's histories in one table, and their metadata in one file."""

import json
from pathlib import Path

from batch_race.store import history, logs, parquet
from batch_race.store.files import replacing


def main() -> None:
    """Check the histories and write them with their metadata."""
    logs.start(snakemake.log[0])
    paths = [Path(path) for path in snakemake.input.histories]
    parquet.write(Path(snakemake.output.histories), history.collect(paths))
    runs = {str(path.parent): history.read_metadata(path) for path in paths}
    with replacing(Path(snakemake.output.runs)) as temporary:
        temporary.write_text(json.dumps(runs) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
