"""Benchmark the engine against its peers: samples, a table and a chart."""

from pathlib import Path

from batch_race.report import theme
from batch_race.store import logs, parquet
from batch_race.store.files import replacing
from benchmarks import race_engines


def main() -> None:
    """Measure on one thread and on two."""
    logs.start(snakemake.log[0])
    parsed, prepared = snakemake.input.parsed[0], snakemake.input.prepared[0]
    table = race_engines.samples(Path(parsed).parent, Path(prepared).parent)
    parquet.write(Path(snakemake.output.samples), table)
    with replacing(Path(snakemake.output.table)) as temporary:
        temporary.write_text(race_engines.markdown(table), encoding="utf-8")
    theme.save(race_engines.chart(table), Path(snakemake.output.chart))


if __name__ == "__main__":
    main()
