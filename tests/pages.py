"""Pages of made-up experiments, written by the workflow's own script."""

import json
import runpy
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import polars as pl

from batch_race.analyze import comparison, decisions, forecast, measures, mistakes
from batch_race.analyze.statistics import summarize
from batch_race.data import strokes
from batch_race.hyperparameters import REGISTRY, RUN
from batch_race.report import answer_message, charts, forecast_message, theme
from batch_race.report.context import Context
from batch_race.store import history, logs, parquet
from tests.curves import A_RUN, crossed

ROOT = Path(__file__).parent.parent

ON_PAGE = {
    name: table for name, table in charts.CHARTS.items() if table in ("summary", "confusion")
}

DIGITS = [str(digit) for digit in range(10)]


def race(
    batch_sizes: Sequence[int] = (1, 8, 32, 128),
    learning_rates: Sequence[float] = (0.1,),
    seeds: Iterable[int] = (1, 2, 3),
    *,
    seconds: Callable[[int, float, int], float] = lambda *_: 4.0,
    **run: object,
) -> pl.DataFrame:
    """Return collected histories of made-up runs.

    Their losses fall exponentially with the steps to a floor, faster with a larger batch and
    learning rate; steps of larger batches take longer.

    Parameters
    ----------
    batch_sizes, learning_rates, seeds
    seconds : callable
        Of a batch size, a learning rate and a seed: how long it is trained.
    run : object
        What else each row has; see `tests.curves.A_RUN`.
    """
    parts = []
    for size in batch_sizes:
        for rate in learning_rates:
            for seed in seeds:
                spent = seconds(size, rate, seed)
                at = np.concatenate([[0.0], np.geomspace(0.01, spent, 80)])
                steps = np.round(at / (50e-6 + 8e-6 * size))
                learned = steps * rate * size**0.6 * (1 + 0.1 * np.sin(seed)) / 2e3
                wave = 0.03 * np.sin(7 * np.log(at + 0.01) + seed) * (at > 0)
                loss = 2.3 * np.exp(-np.sqrt(learned)) + 0.05 + wave * np.exp(-learned)
                parts.append(
                    pl.DataFrame(
                        A_RUN
                        | {"batch_size": size, "learning_rate": rate, "seed": seed}
                        | {
                            "step": steps.astype(np.int64),
                            "epoch": (steps * size // 60000).astype(np.int64),
                            "examples": (steps * size).astype(np.int64),
                            "training_seconds": at,
                            "wall_seconds": at * 1.5,
                            "cpu_seconds": at,
                            "training_loss": loss,
                            "test_accuracy": 100 - 35 * loss,
                        }
                        | run,
                        schema=history.COLLECTED,
                    )
                )
    return pl.concat(parts)


def stopped(histories: pl.DataFrame, targets: Mapping[str, Sequence[float]]) -> pl.DataFrame:
    """Return the decisions of a race in which each run that missed a target was stopped."""
    leader = {"against_batch_size": 32, "against_learning_rate": 0.1, "leader_seconds": 1.0}
    rows = []
    for row in crossed(histories, targets).to_dicts():
        spent = histories.filter(*(pl.col(key) == row[key] for key in REGISTRY))
        is_there = row["training_seconds"] is not None
        rows.append(
            {key: row.get(key) for key in decisions.SCHEMA}
            | {"round": 1, "seconds": spent["training_seconds"].max(), "is_whole": is_there}
            | {"rule": "reached" if is_there else "slower"}
            | (dict.fromkeys(leader) if is_there else leader)
        )
    return pl.DataFrame(rows, schema=decisions.SCHEMA)


def write(
    folder: Path,
    histories: pl.DataFrame,
    targets: Mapping[str, Sequence[float]],
    *,
    title: str = "Which batch size is fastest?",
    classes: Sequence[str] = DIGITS,
    is_pruned: bool = False,
) -> Path:
    """Write the page of collected histories; return its path.

    Parameters
    ----------
    folder : Path
        For the page and the files that it is made from.
    histories : polars.DataFrame
    targets : mapping of str to sequence of float
    title : str
    classes : sequence of str
        Of the images.
    is_pruned : bool
        Whether the histories are those of a race in which runs were stopped.
    """
    metadata = _metadata(histories)
    software = {history.constants(each)["software"] for each in metadata.values()}
    histories = histories.with_columns(software=pl.lit(*software))
    made = stopped(histories, targets) if is_pruned else None
    found = crossed(histories, targets)
    runs = measures.per_run(histories, found, targets, "training", made)
    summary = summarize(runs)
    answers = comparison.compare(runs, summary)
    factor = 1.5 if is_pruned else None
    files = {name: folder / name for name in ("answer.txt", "answer.json", "forecast.txt")}
    files["answer.txt"].write_text(
        answer_message.write(answers, "4 s of training", factor), encoding="utf-8"
    )
    files["answer.json"].write_text(json.dumps(answers), encoding="utf-8")
    predicted = forecast.forecast(runs, summary, [1, 4], [1e-4])
    files["forecast.txt"].write_text(forecast_message.write(predicted), encoding="utf-8")
    files["runs.json"] = folder / "runs.json"
    files["runs.json"].write_text(json.dumps(metadata), encoding="utf-8")
    winner = mistakes.choose(answers, runs, metadata)
    images, labels = strokes.draw(500, 0)
    chances = np.random.default_rng(0).dirichlet(np.full(len(classes), 0.3), len(labels))
    confusion, worst = (
        mistakes.examine(winner, chances, np.asarray(labels), images, classes)
        if winner
        else mistakes.empty_tables()
    )
    tables = {"histories": histories, "summary": summary}
    tables |= {"confusion": confusion, "mistakes": worst}
    tables |= {"decisions": made} if made is not None else {}
    for name, table in tables.items():
        files[name] = folder / f"{name}.parquet"
        parquet.write(files[name], table)
    context = Context(title, "training", targets)
    drawn = {name: folder / f"{name}.json" for name in ON_PAGE}
    for name, path in drawn.items():
        theme.save(charts.load(name).draw(tables[ON_PAGE[name]], context), path)
    page, vega = folder / "report.html", folder / "vega_embed.js"
    _run("bundle_vega.py", output=SimpleNamespace(js=vega), log=[folder / "bundle_vega.log"])
    _run(
        "write_page.py",
        input=SimpleNamespace(
            answer=files["answer.txt"],
            answers=files["answer.json"],
            forecast=files["forecast.txt"],
            histories=files["histories"],
            summary=files["summary"],
            mistakes=files["mistakes"],
            runs=files["runs.json"],
            vega=vega,
            charts=list(drawn.values()),
            decisions=[files["decisions"]] if is_pruned else [],
            captions=[ROOT / "workflow" / "report" / f"{chart}.rst" for chart in ON_PAGE],
        ),
        output=SimpleNamespace(page=page),
        log=[folder / "write_page.log"],
        wildcards=SimpleNamespace(experiment="race"),
        params=SimpleNamespace(
            targets=targets,
            title=title,
            clock="training",
            factor=factor,
            version="1.2.3",
        ),
    )
    return page


def _run(script: str, **job: object) -> None:
    """Run a script of the workflow as a job."""
    path = ROOT / "workflow" / "scripts" / script
    with mock.patch.object(logs, "start"):  # would replace pytest's handlers
        runpy.run_path(str(path), {"snakemake": SimpleNamespace(**job)}, "__main__")


def _metadata(histories: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Return what the histories' files would say of their runs, by made-up folders."""
    firsts = histories.unique([*RUN], maintain_order=True).to_dicts()
    return {
        f"run_{index}": {
            "specification": {key: row[key] for key in REGISTRY}
            | {"budget": {"seconds": 4.0}, "evaluation": {"time_fraction": 0.5}},
            "stopped": row["stopped"],
            "contention": {"contended": row["contended"]},
            "training_images": row["training_images"],
            "subnormals": row["subnormals"],
            "machine": {
                "processor": row["machine"],
                "memory": "8 GB",
                "blas": "OpenBLAS 0.3.30 Zen",
            },
            "versions": {"python": "3.11.2", "numpy": "2.4.6", "scipy": "1.17.0"},
            "engine": "0123",
        }
        for index, row in enumerate(firsts)
    }
