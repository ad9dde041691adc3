"""Draw one chart in three formats."""

from pathlib import Path

from batch_race.report import charts, theme
from batch_race.store import logs, parquet


def main() -> None:
    """Draw the chart that the rule names."""
    logs.start(snakemake.log[0])
    params = snakemake.params
    table, _ = parquet.read(Path(snakemake.input.table))
    chart = charts.load(params.chart).draw(table, params.title, params.clock)
    for path in snakemake.output:
        theme.save(chart, Path(path))


if __name__ == "__main__":
    main()
