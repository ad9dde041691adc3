"""Compute the measures of each run, and their medians over seeds."""

from pathlib import Path

import polars as pl

from batch_race.analyze import measures, statistics
from batch_race.report import tables
from batch_race.store import crossings, foreign, history, logs, parquet, with_csv
from batch_race.store.files import replacing


def main() -> None:
    """Write the measures and medians of this machine's and the other machines' runs."""
    logs.start(snakemake.log[0])
    paths = [Path(path) for path in snakemake.input.histories]
    histories = [history.collect(paths)]
    found = [
        crossings.collect(
            paths, [Path(path) for path in snakemake.input.crossings], snakemake.params.targets
        )
    ]
    machines = zip(
        snakemake.params.machines,
        snakemake.input.other_histories,
        snakemake.input.other_crossings,
        strict=True,
    )
    for machine, of_histories, of_crossings in machines:
        labelled = pl.format("{} ({})", pl.lit(machine), "machine")
        theirs = foreign.read(machine, Path(of_histories), Path(of_crossings))
        for collected, table in zip((histories, found), theirs, strict=True):
            collected.append(table.with_columns(machine=labelled))
    made = [parquet.read(Path(path))[0] for path in snakemake.input.decisions]
    runs = measures.per_run(
        pl.concat(histories),
        pl.concat(found),
        snakemake.params.targets,
        snakemake.params.clock,
        made[0] if made else None,
    )
    summary = statistics.summarize(runs)
    for table, name in ((runs, "runs"), (summary, "summary")):
        with_csv.write(Path(snakemake.output[name]), table)
    for write, name in ((tables.markdown, "table"), (tables.csv, "table_csv")):
        with replacing(Path(snakemake.output[name])) as temporary:
            temporary.write_text(write(summary), encoding="utf-8")


if __name__ == "__main__":
    main()
