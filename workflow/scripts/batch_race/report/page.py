"""One page that shows all of an experiment: a file that needs no network and asks for none."""

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
import vl_convert
import yaml

from batch_race.data import pictures
from batch_race.hyperparameters import REGISTRY
from batch_race.report import charts, curves, theme

MEASURES = {"training_loss": "loss", "test_accuracy": "accuracy (%)"}

COLUMNS = 120
"""Into how many columns a curve is thinned, on a linear and on a logarithmic axis: of a thousand
runs, a page has room for no more."""

Metadata = Mapping[str, Any]


def write(parts: Mapping[str, Any]) -> str:
    """Write the page.

    Parameters
    ----------
    parts : mapping
        What page.html names: `title`, `experiment`, `clock` and `answer` (text); `datasets` and
        `machines` (lists of text); `table`, as `tables.rows` makes it; `race`, `charts`, `gallery`,
        `measured` and `configuration`, as the functions of this module make them.

    Returns
    -------
    str
        HTML. All text is escaped; the page's policy lets no script run but its own, and lets
        nothing be loaded.
    """
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        autoescape=True, loader=loader, undefined=jinja2.StrictUndefined
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    own = {kind: Path(__file__).with_suffix(f".{kind}").read_text() for kind in ("css", "js")}
    scripts = [vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"), own["js"]]
    return environment.get_template("page.html").render(
        parts,
        scripts=scripts,
        script_hashes=[_hash(script) for script in scripts],
        style=own["css"],
        themes={"light": _page_theme(is_dark=False), "dark": _page_theme(is_dark=True)},
        x_titles=charts.SPENT,
        y_titles=MEASURES,
    )


def race(histories: pl.DataFrame) -> dict[str, Any]:
    """Prepare the curves that the page draws by itself.

    Parameters
    ----------
    histories : polars.DataFrame
        Collected histories.

    Returns
    -------
    dict
        `note`, what was left out; `series`, the name and style of each; and `curves`, by what is
        spent and by measure, for each series the columns x, y and, with several seeds, low and
        high.
    """
    chosen, note = curves.choose(histories)
    named, names = charts.in_order(chosen)
    styles = [theme.line_style(place) for place in range(len(names))]
    return {
        "note": note,
        "series": [
            {"name": name, "colour": colour, "dash": dash}
            for name, (colour, dash) in zip(names, styles, strict=True)
        ],
        "curves": {x: {y: _columns(named, names, x, y) for y in MEASURES} for x in charts.SPENT},
    }


def chart(name: str, drawn: Mapping[str, Any], caption: str) -> dict[str, Any]:
    """Prepare a chart for the page.

    Parameters
    ----------
    name : str
    drawn : mapping
        Vega-Lite.
    caption : str
        As `caption` gives it.

    Returns
    -------
    dict
        `heading`, `note`, `caption`, and `specs`: the chart, or if it is several beside or below
        each other, each of them that has data; without a theme and a width, which are the page's
        matter.
    """
    subtitle = drawn.get("title", {}).get("subtitle", "")
    parts = drawn.get("hconcat") or drawn.get("vconcat") or [_without_title(drawn)]
    specs = [_alone(spec, drawn.get("datasets", {})) for spec in parts]
    return {
        "name": name,
        "heading": name.replace("_", " ").capitalize(),
        "note": subtitle if isinstance(subtitle, str) else " ".join(subtitle),
        "caption": caption,
        "specs": [spec for spec in specs if any(spec["datasets"].values())],
    }


def caption(text: str, experiment: str, clock: str) -> str:
    """Fill in a caption of Snakemake's report, and take its markup away."""
    job = SimpleNamespace(
        wildcards=SimpleNamespace(experiment=experiment), params=SimpleNamespace(clock=clock)
    )
    plain = re.sub(r"\*+([^*]+)\*+", r"\1", text)
    filled: str = jinja2.Template(plain).render(snakemake=job)  # the page escapes it
    return filled


def gallery(mistakes: pl.DataFrame) -> list[dict[str, Any]]:
    """Prepare the worst mistakes, as `mistakes.examine` finds them."""
    return [
        row | {"url": pictures.data_url(np.array(row.pop("pixels"), dtype=np.uint8))}
        for row in mistakes.to_dicts()
    ]


def measured(histories: Sequence[Metadata]) -> dict[str, Any]:
    """Count how the runs went, and on what.

    Parameters
    ----------
    histories : sequence of mapping
        The metadata of each run's history.

    Returns
    -------
    dict
        `runs`, `contended`, `stopped` (how many for which reason) and `machines`: each
        machine with its programs, in words, and how many runs it made.
    """
    machines = Counter(
        (_pairs(metadata["machine"]), _pairs(metadata["versions"])) for metadata in histories
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
    """Write what the runs were asked to do as it stands in config.yaml.

    Parameters
    ----------
    histories : iterable of mapping
        The metadata of each run's history.
    summary : polars.DataFrame
        Gives the targets.

    Returns
    -------
    str
        YAML.
    """
    specifications = [metadata["specification"] for metadata in histories]
    asked: dict[str, Any] = {
        key: _different(specification[key] for specification in specifications) for key in REGISTRY
    }
    for key in ("budget", "evaluation"):
        asked[key] = _different(specification[key] for specification in specifications)
    goals = summary.filter(pl.col("target").is_not_null())
    asked["targets"] = {
        str(target): values["target_value"].unique(maintain_order=True).to_list()
        for (target,), values in goals.group_by("target", maintain_order=True)
    }
    return yaml.safe_dump(asked, sort_keys=False, default_flow_style=None)


def _columns(named: pl.DataFrame, names: Sequence[str], x: str, y: str) -> list[dict[str, Any]]:
    bands = curves.band(named, x, y, ["series"])
    above_zero = bands.filter(pl.col(x) > 0)
    thinned = pl.concat(
        [
            curves.thin(bands, x, y, ["series"], columns=COLUMNS),
            curves.thin(above_zero, x, y, ["series"], is_log=True, columns=COLUMNS),
        ]
    ).unique()
    # No more digits than an eye can tell apart.
    rounded = thinned.sort(x).with_columns(
        pl.col(x).round_sig_figs(6), pl.col(y, "low", "high").round_sig_figs(5)
    )
    has_band = named["seed"].n_unique() > 1
    columns = {"x": x, "y": y} | ({"low": "low", "high": "high"} if has_band else {})
    parts = rounded.partition_by("series", as_dict=True)
    return [
        {short: parts[(name,)][column].to_list() for short, column in columns.items()}
        for name in names
    ]


def _alone(spec: Mapping[str, Any], datasets: Mapping[str, Any]) -> dict[str, Any]:
    """Take one chart out of several, with the data that it draws."""
    names = set(re.findall(r'"data": \{"name": "([^"]+)"', json.dumps(spec)))
    fits = {} if isinstance(spec.get("width"), Mapping) else {"width": "container"}
    return {**spec, **fits, "datasets": {name: datasets[name] for name in sorted(names)}}


def _without_title(drawn: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in drawn.items() if key not in ("title", "config", "datasets")
    }


def _page_theme(*, is_dark: bool) -> dict[str, Any]:
    """Adapt the charts' theme: letters as on the page, legends on top, values on hovering."""
    base: dict[str, Any] = dict(theme.config(is_dark=is_dark))
    hovering = {mark: {"tooltip": True} for mark in ("point", "rect", "text", "rule")}
    return (
        base
        | hovering
        | {
            "background": "transparent",
            "padding": 4,
            "legend": base["legend"] | {"orient": "top"},
            "tooltipFormat": {"numberFormat": ",.4~r"},
        }
    )


def _pairs(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((key, str(value)) for key, value in values.items())


def _different(values: Iterable[Any]) -> Any:
    """List the values, each once; a single one by itself."""
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found[0] if len(found) == 1 else found


def _hash(text: str) -> str:
    """Name a script as a Content-Security-Policy does."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
