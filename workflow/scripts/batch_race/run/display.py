"""Shows how far the runs of a workflow are: bars on a terminal, now and then a line elsewhere."""

import logging
import math
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm
from tqdm.contrib import DummyTqdmFile

from batch_race.run import progress
from batch_race.run.progress import Note

LOOK_SECONDS = 2.0
"""Between two looks on a terminal; the runs are timed, and a look takes some of a core."""

LINE_SECONDS = 30.0
"""Between two lines where there is no terminal."""

LOOKING_SHARE = 0.002
"""Of the time that looking may take: with thousands of runs there are fewer looks."""

RUN = "{desc} |{bar:20}| {percentage:3.0f} %{postfix}"
ALL = "{desc}"


class Display:
    """Watches the notes of runs in a thread of its own.

    Parameters
    ----------
    folders : mapping of str to Path
        The runs' folders, by name.
    specifications : mapping of str to mapping
        Their specifications.
    log : logging.Logger
        Whose lines on a terminal are to stand above the bars.
    stream : text file
    """

    def __init__(
        self,
        folders: Mapping[str, Path],
        specifications: Mapping[str, Mapping[str, Any]],
        log: logging.Logger,
        stream: TextIO = sys.stderr,
    ) -> None:
        self._unfinished = dict(folders)
        self._n_runs = len(folders)
        self._names = progress.names(specifications)
        self._sizes = {run: one["batch_size"] for run, one in specifications.items()}
        budgets = [one["budget"]["seconds"] for one in specifications.values()]
        self._budget_seconds = budgets[0]
        self._furthest = Note()
        self._log = log
        self._stream = stream
        self._bars: list[tqdm[Any]] = []  # the first for all, then one for each run under way
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Begin; notes that a killed run has left are removed."""
        for folder in self._unfinished.values():
            (folder / progress.NAME).unlink(missing_ok=True)
        if self._stream.isatty():
            for handler in self._log.handlers:
                if isinstance(handler, logging.StreamHandler) and handler.stream is self._stream:
                    handler.setStream(DummyTqdmFile(self._stream))
        self._thread.start()

    def close(self) -> None:
        """End, and take the bars away."""
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        show, pause = (
            (self._draw, LOOK_SECONDS) if self._stream.isatty() else (self._tell, LINE_SECONDS)
        )
        wait = pause
        while not self._is_over.wait(wait):
            began = time.thread_time()
            notes = self._look()
            if notes or self._bars:
                show(notes)
            wait = max(pause, (time.thread_time() - began) / LOOKING_SHARE)
        while self._bars:
            self._bars.pop().close()

    def _look(self) -> dict[str, Note]:
        """Read the notes of the runs that go on, by batch size; forget those that are over."""
        notes = {}
        for run, folder in list(self._unfinished.items()):
            note = progress.read(folder)
            if note:
                notes[run] = note
            elif (folder / "history.parquet").exists():
                del self._unfinished[run]
        return dict(sorted(notes.items(), key=lambda item: self._sizes[item[0]]))

    def _draw(self, notes: Mapping[str, Note]) -> None:
        while len(self._bars) > 1 + len(notes):
            self._bars.pop().close()
        while len(self._bars) < 1 + len(notes):
            form = RUN if self._bars else ALL
            bar = tqdm(
                total=100, file=self._stream, leave=False, dynamic_ncols=True, bar_format=form
            )
            self._bars.append(bar)
        self._bars[0].set_description_str(self._summary(notes))
        width = max((len(self._names[run]) for run in notes), default=0)
        for bar, (run, note) in zip(self._bars[1:], notes.items(), strict=True):
            bar.n = round(100 * min(1, note.share or 0))
            bar.set_description_str(f"{self._names[run]:{width}}", refresh=False)
            bar.set_postfix_str(_state(note))

    def _tell(self, notes: Mapping[str, Note]) -> None:
        for run, note in notes.items():
            share = f"{100 * note.share:.0f} %, " if note.share is not None else ""
            print(f"  {self._names[run]}: {share}{_state(note)}", file=self._stream)
        print(self._summary(notes), file=self._stream, flush=True)

    def _summary(self, notes: Mapping[str, Note]) -> str:
        n_done = self._n_runs - len(self._unfinished)
        self._furthest = progress.furthest([self._furthest, *notes.values()])
        usual = progress.usual_seconds(self._furthest) or self._budget_seconds
        left = ""
        if usual is not None:
            n_unstarted = len(self._unfinished) - len(notes)
            seconds = progress.seconds_left(notes.values(), n_unstarted, usual)
            left = f", about {_duration(seconds)} of training left"
        return f"{n_done} of {self._n_runs} runs done, {len(notes)} under way{left}"


def _state(note: Note) -> str:
    if note.share is None:
        return "waits for a core"
    return f"loss {note.training_loss:.4g}" if not math.isnan(note.training_loss) else "starts"


def _duration(seconds: float) -> str:
    """Write a time in its two largest units."""
    minutes, seconds = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
