"""Draw the charts of some tables."""

from pathlib import Path

from batch_race.report import charts, theme
from batch_race.report.context import Context
from batch_race.store import logs, parquet


def main() -> None:
    """Draw each chart that the rule names, as SVG and as Vega-Lite."""
    logs.start(snakemake.log[0])
    params, output = snakemake.params, snakemake.output
    tables = {name: parquet.read(Path(path))[0] for name, path in snakemake.input.items()}
    context = Context(params.title, params.clock, params.targets)
    for name, *paths in zip(params.charts, output.svg, output.json, strict=True):
        chart = charts.load(name).draw(tables[charts.CHARTS[name]], context)
        theme.save(chart, *map(Path, paths))


if __name__ == "__main__":
    main()
