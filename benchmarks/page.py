"""Measure the size of the page of an experiment, and how long a browser takes to show it.

    python -m benchmarks.page

Makes up histories of 4, 100 and 1,000 runs (`benchmarks.scale`), writes the page of each, and opens
it five times in a new Chromium. The seconds are those from the request until the last chart is
drawn. Prints a table; takes about a minute.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from batch_race.analyze import comparison, measures, mistakes
from batch_race.analyze.statistics import summarize
from batch_race.data import strokes
from batch_race.report import answer_message, charts, page, tables
from batch_race.store import crossings, history
from benchmarks.scale import TARGETS, write_results
from tests import browser

SIZES = (4, 100, 1000)
REPEATS = 5
OF_SUMMARY = ("seconds", "steps", "examples")


def write_page(count: int, folder: Path) -> Path:
    """Write the page of so many made-up runs; return its path."""
    write_results(count, folder)
    paths = sorted(folder.glob("*.parquet"))
    histories = history.collect(paths)
    found = crossings.collect([(path, folder / "crossings" / path.name) for path in paths])
    runs = measures.per_run(histories, found, TARGETS, "training")
    summary = summarize(runs)
    answers = comparison.compare(runs, summary)
    metadata = {str(path): history.read_metadata(path) for path in paths}
    winner = mistakes.choose(answers, runs, metadata) or {}
    images, labels = strokes.draw(1000, 0)
    probabilities = np.random.default_rng(0).dirichlet(np.full(10, 0.3), len(labels))
    confusion, worst = mistakes.examine(winner, probabilities, np.asarray(labels), images)
    drawn = {f"{cost}_to_target": summary for cost in OF_SUMMARY}
    drawn |= {"throughput": summary, "learning_rates": summary, "confusion_matrix": confusion}
    text = page.write(
        {
            "title": "Which batch size gets the loss down fastest?",
            "experiment": "made_up",
            "clock": "training",
            "datasets": ["mnist"],
            "machines": ["Abacus 3"],
            "answer": answer_message.write(answers, "60 seconds of training"),
            "table": tables.rows(summary),
            "race": page.race(histories),
            "charts": [
                page.chart(name, charts.load(name).draw(table, "Title", "training").to_dict(), name)
                for name, table in drawn.items()
            ],
            "gallery": page.gallery(worst),
            "measured": page.measured(list(metadata.values())),
            "configuration": page.configuration(list(metadata.values()), summary),
        }
    )
    path = folder / "report.html"
    path.write_text(text, encoding="utf-8")
    return path


def load_seconds(path: Path) -> float:
    """Return the seconds until a new browser has drawn the page's last chart."""
    with browser.started() as chromium:
        opened = chromium.new_page()
        started = time.perf_counter()
        opened.goto(path.as_uri())
        opened.wait_for_selector("html[data-drawn=all]")
        return time.perf_counter() - started


def main() -> None:
    """Measure and print the table, row by row."""
    if browser.find() is None:
        sys.exit(browser.WITHOUT)
    print(f"{os.cpu_count()} processors\n")
    print("| runs | size, MB | seconds to the last chart |\n|---|---|---|")
    for count in SIZES:
        with tempfile.TemporaryDirectory() as name:
            path = write_page(count, Path(name))
            megabytes = path.stat().st_size / 1e6
            seconds = [load_seconds(path) for _ in range(REPEATS)]
        opening = f"{statistics.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"
        print(f"| {count:,} | {megabytes:.2f} | {opening} |", flush=True)


if __name__ == "__main__":
    main()
