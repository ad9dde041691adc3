"""The page of an experiment: one HTML file that loads nothing."""

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import numpy as np
import polars as pl
import yaml

from batch_race.hyperparameters import REGISTRY
from batch_race.report import curves, style
from batch_race.report.data_url import data_url

Metadata = Mapping[str, Any]


def write(parts: Mapping[str, Any]) -> str:
    """Return the page.

    Parameters
    ----------
    parts : mapping
        The variables of page.html: `title`, `experiment`, `clock`, `answer`, `forecast`, `written`
        (the date) and `version` (str); `datasets` and `machines` (lists of str); `table`, as
        `page_table.table` makes it, and `csv`, its `data:` URL; `decisions`, as
        `decisions_table.rows` makes it, and `max_decisions`, how many of them to show; `race`, as
        `page_curves.race` makes it; `charts`, `gallery`, `measured` and `configuration`, as the
        functions of this module make them; `vega`, the script that draws, as bundle_vega.py makes
        it.

    Returns
    -------
    str
        HTML. All text is escaped. The page's Content-Security-Policy allows its own two scripts
        only, and no request.
    """
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        autoescape=True, loader=loader, undefined=jinja2.StrictUndefined
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    own = (path.read_text("utf-8") for path in sorted(Path(__file__).parent.glob("page*.js")))
    scripts = [
        parts["vega"],
        f'(() => {{\n"use strict";\n{"".join(own)}}})();\n',
    ]
    return environment.get_template("page.html").render(
        parts,
        scripts=scripts,
        script_hashes=[_hash(script) for script in scripts],
        style=Path(__file__).with_suffix(".css").read_text("utf-8"),
        themes={"light": _page_theme(is_dark=False), "dark": _page_theme(is_dark=True)},
        x_titles=curves.X_TITLES,
        y_titles=curves.Y_TITLES,
    )


def chart(name: str, drawn: Mapping[str, Any], caption: str, title: str) -> dict[str, Any]:
    """Return a chart as the page shows it.

    Parameters
    ----------
    name : str
    drawn : mapping
        Vega-Lite.
    caption : str
        As `caption` gives it.
    title : str
        The experiment's, which is the page's: the chart's notes are without it.

    Returns
    -------
    dict
        `name`, `heading`, `note`, `caption`, and `specs`: the chart, or the parts with data of a
        concatenated one, without theme and width, which the page sets.
    """
    subtitle = drawn.get("title", {}).get("subtitle", "")
    notes = subtitle if isinstance(subtitle, str) else " ".join(subtitle)
    parts = drawn.get("hconcat") or drawn.get("vconcat") or [_without_title(drawn)]
    specs = [_part(spec, drawn.get("datasets", {})) for spec in parts]
    return {
        "name": name,
        "heading": name.replace("_", " ").capitalize(),
        "note": notes.removeprefix(title + style.NOTES_APART),
        "caption": caption,
        "specs": [spec for spec in specs if any(spec["datasets"].values())],
    }


def caption(text: str, experiment: str, clock: str) -> str:
    """Return a caption of Snakemake's report, filled in and without its markup."""
    job = SimpleNamespace(
        wildcards=SimpleNamespace(experiment=experiment), params=SimpleNamespace(clock=clock)
    )
    plain = re.sub(r"\*+([^*]+)\*+", r"\1", text)
    filled: str = jinja2.Template(plain).render(snakemake=job)  # escaped by page.html
    return filled


def gallery(mistakes: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of the worst mistakes, as `mistakes.examine` finds them, with image URLs."""
    return [
        row | {"url": data_url(np.array(row.pop("pixels"), dtype=np.uint8))}
        for row in mistakes.to_dicts()
    ]


def measured(histories: Sequence[Metadata]) -> dict[str, Any]:
    """Return how many runs were contended, how many stopped why, and on which machines.

    Parameters
    ----------
    histories : sequence of mapping
        The metadata of each run's history.

    Returns
    -------
    dict
        `runs` and `contended`, counts; `stopped`, a count for each reason; and `machines`: each
        machine and the versions of its software, as text, with its count of runs.
    """
    machines = Counter(
        (_as_text(metadata["machine"]), _as_text(metadata["versions"])) for metadata in histories
    )
    return {
        "runs": len(histories),
        "contended": sum(metadata["contention"]["contended"] for metadata in histories),
        "stopped": Counter(metadata["stopped"] for metadata in histories),
        "machines": [
            {"machine": dict(machine), "versions": dict(versions), "runs": count}
            for (machine, versions), count in machines.items()
        ],
    }


def configuration(histories: Iterable[Metadata], summary: pl.DataFrame) -> str:
    """Return the configuration of the runs as in config.yaml.

    Parameters
    ----------
    histories : iterable of mapping
        The metadata of each run's history.
    summary : polars.DataFrame
        As `statistics.summarize` makes it; has the targets.

    Returns
    -------
    str
        YAML.
    """
    specifications = [metadata["specification"] for metadata in histories]
    asked: dict[str, Any] = {
        key: _distinct(specification[key] for specification in specifications) for key in REGISTRY
    }
    for key in ("budget", "evaluation"):
        asked[key] = _distinct(specification[key] for specification in specifications)
    goals = summary.filter(pl.col("target").is_not_null())
    asked["targets"] = {
        str(target): values["target_value"].unique(maintain_order=True).to_list()
        for (target,), values in goals.group_by("target", maintain_order=True)
    }
    return yaml.safe_dump(asked, sort_keys=False, default_flow_style=None)


def _part(spec: Mapping[str, Any], datasets: Mapping[str, Any]) -> dict[str, Any]:
    """Return one chart of a concatenation, with the data that it draws."""
    names = set(re.findall(r'"data": \{"name": "([^"]+)"', json.dumps(spec)))
    fits = {} if isinstance(spec.get("width"), Mapping) else {"width": "container"}
    return {**spec, **fits, "datasets": {name: datasets[name] for name in sorted(names)}}


def _without_title(drawn: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in drawn.items() if key not in ("title", "config", "datasets")
    }


def _page_theme(*, is_dark: bool) -> dict[str, Any]:
    """Return the charts' theme with the page's background, legends on top, and tooltips."""
    base = style.config(is_dark=is_dark)
    tooltips = {mark: {"tooltip": True} for mark in ("point", "rect", "text", "rule")}
    return (
        base
        | tooltips
        | {
            "background": "transparent",
            "padding": 4,
            "legend": base["legend"] | {"orient": "top"},
            "tooltipFormat": {"numberFormat": ",.4~r"},
        }
    )


def _as_text(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((key, str(value)) for key, value in values.items())


def _distinct(values: Iterable[Any]) -> Any:
    """Return the distinct values as a list; a single one by itself."""
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found[0] if len(found) == 1 else found


def _hash(text: str) -> str:
    """Return the hash by which a Content-Security-Policy allows a script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
