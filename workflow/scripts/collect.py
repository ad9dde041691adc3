"""Collect an experiment's histories and crossings in a table each, and their metadata in a file."""

import json
from pathlib import Path

from batch_race.store import crossings, history, logs, with_csv
from batch_race.store.files import replacing


def main() -> None:
    """Check the files of all runs and write them as tables."""
    logs.start(snakemake.log[0])
    paths = [Path(path) for path in snakemake.input.histories]
    with_csv.write(Path(snakemake.output.histories), history.collect(paths))
    found = [Path(path) for path in snakemake.input.crossings]
    table = crossings.collect(paths, found, snakemake.params.targets)
    with_csv.write(Path(snakemake.output.crossings), table)
    runs = {str(path.parent): history.read_metadata(path) for path in paths}
    with replacing(Path(snakemake.output.runs)) as temporary:
        temporary.write_text(json.dumps(runs) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
