"""The display of a workflow's progress: bars on a terminal, a line now and then elsewhere."""

import logging
import math
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm
from tqdm.contrib import DummyTqdmFile

from batch_race.run import progress
from batch_race.run.progress import Progress

BARS_SECONDS = 2.0
"""Between two updates of the bars on a terminal; an update takes CPU time from timed runs."""

LINES_SECONDS = 30.0
"""Between two updates where there is no terminal."""

MAX_CPU_SHARE = 0.002
"""The share of the time that updates may take: with thousands of runs there are fewer updates."""

RUN_FORMAT = "{desc} |{bar:20}| {percentage:3.0f} %{postfix}"
SUMMARY_FORMAT = "{desc}"


class Display:
    """A display of the runs' progress files, updated by a thread of its own.

    Parameters
    ----------
    folder : Path
        That of all runs.
    specifications : mapping of str to mapping
        The runs' specifications, by name.
    log : logging.Logger
        A log whose lines on a terminal appear above the bars.
    stream : text file
    """

    def __init__(
        self,
        folder: Path,
        specifications: Mapping[str, Mapping[str, Any]],
        log: logging.Logger,
        stream: TextIO = sys.stderr,
    ) -> None:
        self._folder = folder
        self._specifications: dict[str, Mapping[str, Any]] = {}
        self._unfinished: dict[str, Path] = {}
        self._names: dict[str, str] = {}
        self._budget_seconds: float | None = None
        self._furthest = Progress()
        self.expect(specifications, specifications.__getitem__)
        self._log = log
        self._stream = stream
        self._bars: list[tqdm[Any]] = []  # the summary, then one for each started run
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def expect(
        self, runs: Iterable[str], specification: Callable[[str], Mapping[str, Any]]
    ) -> None:
        """Expect further runs, which take about as long as one another.

        Parameters
        ----------
        runs : iterable of str
            Their names; those known already are ignored.
        specification : callable
            Returns the specification of a run, by its name.
        """
        more = {run: specification(run) for run in runs if run not in self._specifications}
        if not more:
            return
        known = self._specifications | more
        self._names = progress.names(known)
        self._specifications = known
        self._unfinished = self._unfinished | {run: self._folder / run for run in more}
        budgets = [one["budget"]["seconds"] for one in more.values()]
        self._budget_seconds = None if None in budgets else max(budgets)
        self._furthest = Progress()

    def start(self) -> None:
        """Start to display; progress files that killed runs left behind are removed."""
        for folder in self._unfinished.values():
            (folder / progress.NAME).unlink(missing_ok=True)
        if self._stream.isatty():
            for handler in self._log.handlers:
                if isinstance(handler, logging.StreamHandler) and handler.stream is self._stream:
                    handler.setStream(DummyTqdmFile(self._stream))
        self._thread.start()

    def close(self) -> None:
        """Stop, and remove the bars."""
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        show, pause = (
            (self._draw, BARS_SECONDS) if self._stream.isatty() else (self._print, LINES_SECONDS)
        )
        wait = pause
        while not self._is_over.wait(wait):
            began = time.thread_time()
            started = self._read()
            if started or self._bars:
                show(started)
            wait = max(pause, (time.thread_time() - began) / MAX_CPU_SHARE)
        while self._bars:
            self._bars.pop().close()

    def _read(self) -> dict[str, Progress]:
        """Return the progress of started runs, sorted by batch size; remove the finished ones."""
        started = {}
        for run, folder in list(self._unfinished.items()):
            found = progress.read(folder)
            if found:
                started[run] = found
            elif (folder / "history.parquet").exists():
                self._unfinished.pop(run)
        sizes = {run: self._specifications[run]["batch_size"] for run in started}
        return dict(sorted(started.items(), key=lambda item: sizes[item[0]]))

    def _draw(self, started: Mapping[str, Progress]) -> None:
        while len(self._bars) > 1 + len(started):
            self._bars.pop().close()
        while len(self._bars) < 1 + len(started):
            form = RUN_FORMAT if self._bars else SUMMARY_FORMAT
            bar = tqdm(
                total=100, file=self._stream, leave=False, dynamic_ncols=True, bar_format=form
            )
            self._bars.append(bar)
        self._bars[0].set_description_str(self._summary(started))
        width = max((len(self._names[run]) for run in started), default=0)
        for bar, (run, found) in zip(self._bars[1:], started.items(), strict=True):
            bar.n = round(100 * min(1, found.share or 0))
            bar.set_description_str(f"{self._names[run]:{width}}", refresh=False)
            bar.set_postfix_str(_state(found))

    def _print(self, started: Mapping[str, Progress]) -> None:
        for run, found in started.items():
            share = f"{100 * found.share:.0f} %, " if found.share is not None else ""
            print(f"  {self._names[run]}: {share}{_state(found)}", file=self._stream)
        print(self._summary(started), file=self._stream, flush=True)

    def _summary(self, started: Mapping[str, Progress]) -> str:
        n_runs = len(self._specifications)
        n_done = n_runs - len(self._unfinished)
        self._furthest = progress.furthest([self._furthest, *started.values()])
        run_seconds = progress.estimate_run_seconds(self._furthest) or self._budget_seconds
        left = ""
        if run_seconds is not None:
            n_unstarted = len(self._unfinished) - len(started)
            seconds = progress.estimate_seconds_left(started.values(), n_unstarted, run_seconds)
            left = f", about {_duration(seconds)} of training left"
        return f"{n_done} of {n_runs} runs done, {len(started)} under way{left}"


def _state(run: Progress) -> str:
    if run.share is None:
        return "waits for a core"
    return f"loss {run.training_loss:.4g}" if not math.isnan(run.training_loss) else "starts"


def _duration(seconds: float) -> str:
    """Format a duration in its two largest units."""
    minutes, seconds = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
