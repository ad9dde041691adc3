"""Draw a chart as PNG."""

import json
from pathlib import Path

from batch_race.report import theme
from batch_race.store import logs


def main() -> None:
    """Convert the chart's Vega-Lite."""
    logs.start(snakemake.log[0])
    theme.write(
        json.loads(Path(snakemake.input.json).read_text(encoding="utf-8")),
        Path(snakemake.output.png),
    )


if __name__ == "__main__":
    main()
