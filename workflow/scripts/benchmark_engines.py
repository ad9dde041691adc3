"""Race the engines: samples, a table and a chart."""

from pathlib import Path

from benchmarks import race_engines
from workflow.scripts.common import logs


def main() -> None:
    """Measure on one thread and on two."""
    logs.start(snakemake.log[0])
    folders = Path(snakemake.input.images).parent, Path(snakemake.input.columns).parent
    table = race_engines.samples(folders)
    table.write_parquet(snakemake.output.samples)
    Path(snakemake.output.table).write_text(race_engines.markdown(table))
    race_engines.chart(table).save(snakemake.output.chart)


if __name__ == "__main__":
    main()
