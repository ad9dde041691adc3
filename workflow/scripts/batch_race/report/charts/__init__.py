"""The charts: a module `<table>/<chart>.py` for each, which is found by its path.

The folder names the table that the chart draws: `histories` (as `history.collect` makes it),
`summary` (as `statistics.summarize` does), `confusion` or `mistakes` (as `mistakes.examine` does).
The module has one public function, `draw(table, context)`:

- table : polars.DataFrame
- context : batch_race.report.context.Context
- returns an Altair chart (`theme.AnyChart`)
"""

import importlib
from pathlib import Path
from types import ModuleType

CHARTS = {path.stem: path.parent.name for path in sorted(Path(__file__).parent.glob("*/*.py"))}
"""The table of each chart, by the chart's name."""


def load(chart: str) -> ModuleType:
    """Import the module of a chart."""
    return importlib.import_module(f"{__name__}.{CHARTS[chart]}.{chart}")
