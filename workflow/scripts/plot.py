"""Draw all charts of a table."""

from pathlib import Path

from batch_race.report import charts, theme
from batch_race.report.context import Context
from batch_race.store import logs, parquet


def main() -> None:
    """Draw each chart that the rule names, as SVG and as Vega-Lite."""
    logs.start(snakemake.log[0])
    params = snakemake.params
    table, _ = parquet.read(Path(snakemake.input.table))
    context = Context(params.title, params.clock, params.targets)
    files = zip(params.charts, snakemake.output.svg, snakemake.output.json, strict=True)
    for name, *paths in files:
        theme.save(charts.load(name).draw(table, context), *map(Path, paths))


if __name__ == "__main__":
    main()
