"""Draw the pictures of the documentation, from the tables in docs/images/tables.

python -m tools.images

Each picture ends with a digest of its Vega-Lite, by which a test finds that the code draws another
one now. (The pictures themselves differ between machines, whose fonts lay out the text.)
"""

import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from batch_race import hyperparameters
from batch_race.plan import configuration, runs
from batch_race.plan.sources import ROOT
from batch_race.report import charts, theme
from batch_race.report.context import Context
from benchmarks import race_engines
from tools import import_graph

FOLDER = ROOT / "docs" / "images"

OF_EXPERIMENTS = {
    "race": ("config.yaml", "race", "race"),
    "book": ("config/book.yaml", "book", "loss_by_seconds"),
    "fair_seconds_to_target": ("config/fair.yaml", "fair", "seconds_to_target"),
    "fair_learning_rates": ("config/fair.yaml", "fair", "learning_rates"),
    "study_steps_to_target": ("config/study.yaml", "study", "steps_to_target"),
}
"""The experiment, the table and the chart of each picture."""


def pictures() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and the Vega-Lite of each picture."""
    for name, (config, table, chart) in OF_EXPERIMENTS.items():
        drawn = charts.load(chart).draw(read(table), context(ROOT / config))
        yield name, drawn.to_dict()
    yield "engines", race_engines.chart(read("engines")).to_dict()
    yield "imports", import_graph.draw().to_dict()


def read(table: str) -> pl.DataFrame:
    """Read a table of docs/images/tables.

    Parameters that came after it have their default, and what else tells configurations apart is
    empty: neither varies there.
    """
    found = pl.read_parquet(FOLDER / "tables" / f"{table}.parquet")
    later = [key for key in hyperparameters.CONFIGURATION if key not in found.columns]
    defaults = {key: each.default for key, each in hyperparameters.REGISTRY.items()}
    return found.with_columns(pl.lit(defaults.get(key, "")).alias(key) for key in later)


def context(path: Path) -> Context:
    """Return the title, the clock and the targets of an experiment."""
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    configuration.check(config, hyperparameters.load_schema())
    return Context(runs.title(config), config["budget"]["clock"], config["targets"])


def digest(described: dict[str, Any]) -> str:
    """Compute a digest of a picture, the same with another version of Altair or another processor.

    Parameters
    ----------
    described : dict
        Vega-Lite.

    Returns
    -------
    str
        SHA-256 of its marks, encodings and data, with numbers of six digits.
    """
    names = {name: f"data {index}" for index, name in enumerate(described.get("datasets", {}))}
    plain = _plain({**described, "$schema": None}, names)
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _plain(value: Any, names: dict[str, str]) -> Any:
    """Return a value with rounded numbers and with datasets named by their order."""
    if isinstance(value, dict):
        return {names.get(key, key): _plain(part, names) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part, names) for part in value]
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.6g}")
    return names.get(value, value) if isinstance(value, str) else value


def main() -> None:
    """Write all pictures."""
    for name, described in pictures():
        path = FOLDER / f"{name}.svg"
        theme.write(described, path)
        path.write_text(
            f"{path.read_text(encoding='utf-8')}\n<!-- {digest(described)} -->\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
