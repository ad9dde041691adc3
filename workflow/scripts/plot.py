"""Draw one chart in three formats."""

from pathlib import Path

from batch_race.report import charts, theme
from batch_race.store import logs, parquet


def main() -> None:
    """Draw the chart that the rule names."""
    logs.start(snakemake.log[0])
    draw = charts.CHARTS[snakemake.params.chart]
    table, _ = parquet.read(Path(snakemake.input.table))
    chart = draw(table, snakemake.params.title, snakemake.params.clock)
    for path in snakemake.output:
        theme.save(chart, Path(path))


if __name__ == "__main__":
    main()
