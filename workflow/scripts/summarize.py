"""Measure each run, and take the median over seeds of each configuration."""

from pathlib import Path

import polars as pl

from workflow.scripts.common import history, logs, measures, parquet, statistics, tables
from workflow.scripts.common.files import replacing


def main() -> None:
    """Lay the machines' histories side by side, and write what they say."""
    logs.start(snakemake.log[0])
    histories = [history.read_collected(Path(snakemake.input.histories))]
    machines = zip(snakemake.params.machines, snakemake.input.others, strict=True)
    for machine, path in machines:
        labelled = pl.format("{} ({})", pl.lit(machine), "machine")
        histories.append(history.read_collected(Path(path)).with_columns(machine=labelled))
    runs = measures.per_run(pl.concat(histories), snakemake.params.targets, snakemake.params.clock)
    summary = statistics.summarize(runs)
    for table, name in ((runs, "runs"), (summary, "summary")):
        parquet.write(Path(snakemake.output[name]), table)
    with replacing(Path(snakemake.output.table)) as temporary:
        temporary.write_text(tables.markdown(summary))


if __name__ == "__main__":
    main()
