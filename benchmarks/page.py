"""Measure the size of the page of an experiment, and how fast a browser shows and plays it.

    python -m benchmarks.page

Writes the pages of 4, 100 and 1,000 made-up runs (`tests.pages`), and opens each five times in a
new Chromium. The seconds are those from the request until the last chart is drawn; the frames are
those of Play in two seconds. Prints a table; takes a few minutes.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.scale import TARGETS
from tests import browser, pages

SIZES = ((4, 1), (20, 5), (200, 5))
"""Batch sizes and seeds."""

REPEATS = 5

COUNT_FRAMES = """\
new Promise((resolve) => {
  let frames = 0;
  const started = performance.now();
  const count = () => {
    frames += 1;
    const seconds = (performance.now() - started) / 1000;
    if (seconds < 2) requestAnimationFrame(count);
    else resolve(frames / seconds);
  };
  document.getElementById("play").click();
  requestAnimationFrame(count);
})
"""


def open_page(path: Path) -> tuple[float, float]:
    """Open a page in a new browser; return its seconds to the last chart, and Play's frame rate."""
    with browser.started() as chromium:
        opened = chromium.new_page()
        started = time.perf_counter()
        opened.goto(path.as_uri())
        opened.wait_for_selector("html[data-drawn=all]")
        seconds = time.perf_counter() - started
        return seconds, opened.evaluate(COUNT_FRAMES)


def main() -> None:
    """Measure and print the table, row by row."""
    if browser.find() is None:
        sys.exit(browser.WITHOUT)
    print(f"{os.cpu_count()} processors\n")
    print("| runs | size, MB | seconds to the last chart | frames per second |\n|---|---|---|---|")
    for n_sizes, n_seeds in SIZES:
        with tempfile.TemporaryDirectory() as name:
            histories = pages.race(range(1, n_sizes + 1), seeds=range(n_seeds))
            path = pages.write(Path(name), histories, TARGETS)
            megabytes = path.stat().st_size / 1e6
            measured = [open_page(path) for _ in range(REPEATS)]
        columns = [f"{n_sizes * n_seeds:,}", f"{megabytes:.2f}"]
        for values, form in zip(zip(*measured, strict=True), (".2f", ".0f"), strict=True):
            low, middle, high = min(values), statistics.median(values), max(values)
            columns.append(f"{middle:{form}} ({low:{form}} to {high:{form}})")
        print(f"| {' | '.join(columns)} |", flush=True)


if __name__ == "__main__":
    main()
