"""The display of a workflow's progress: bars on a terminal, a line now and then elsewhere."""

import atexit
import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tqdm.std import Bar

from batch_race import batch_sizes
from batch_race.hyperparameters import REGISTRY, written
from batch_race.run import progress
from batch_race.run.jobs import Jobs
from batch_race.run.progress import Progress
from batch_race.run.screen import NOTICE
from batch_race.run.terminal import Terminal

BARS_SECONDS = 2.0
"""Between two readings of progress on a terminal; they take CPU time from timed runs."""

LINES_SECONDS = 30.0
"""Between two messages where there is no terminal."""

MAX_CPU_SHARE = 0.002
"""The share of the time that readings may take: with thousands of runs there are fewer."""

BAR_WIDTHS = (6, 20)
"""Of a bar, in characters: the least and the most."""


class Display:
    """A display of jobs and of the runs' progress files, updated by a thread of its own.

    Parameters
    ----------
    folder : Path
        That of all runs.
    runs : iterable of str
        The names of the runs that are known already.
    specification : callable
        Returns the specification of a run, by its name.
    training_images : mapping of str to int
        Those of each dataset.
    jobs : Jobs
        The jobs under way.
    log : logging.Logger
        Of the messages.
    terminal : Terminal or None
        That of the log; None to log messages in place of bars.
    rule : str
        The rule whose jobs are the runs.
    """

    def __init__(
        self,
        folder: Path,
        runs: Iterable[str],
        specification: Callable[[str], Mapping[str, Any]],
        training_images: Mapping[str, int],
        jobs: Jobs,
        log: logging.Logger,
        terminal: Terminal | None,
        rule: str = "train",
    ) -> None:
        self._folder = folder
        self._specification = specification
        self._training_images = training_images
        self._specifications: dict[str, Mapping[str, Any]] = {}
        self._unfinished: frozenset[str] = frozenset()
        self._failed: frozenset[str] = frozenset()
        self._names: dict[str, str] = {}
        self._budget_seconds: float | None = None
        self._furthest = Progress()
        self.expect(runs)
        self._jobs = jobs
        self._log = log
        self._rule = rule
        self._terminal = terminal
        self._is_over = False
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def expect(self, runs: Iterable[str]) -> None:
        """Expect further runs, which take about as long as one another.

        Parameters
        ----------
        runs : iterable of str
            Their names; those known already are ignored.
        """
        more = {run: self._specification(run) for run in runs if run not in self._specifications}
        if not more:
            return
        known = self._specifications | more
        self._names = name_runs(known, self._training_images)
        self._specifications = known
        budgets = [one["budget"]["seconds"] for one in more.values()]
        self._budget_seconds = None if None in budgets else max(budgets)
        self._furthest = Progress()

    def follow(self, unfinished: Collection[str], failed: Collection[str] = ()) -> None:
        """Set which runs are under way or to come; all others are done, or were not to be run.

        Whether a run's results exist does not matter: those of an earlier invocation stay until
        the run starts again.

        Parameters
        ----------
        unfinished, failed : collection of str
            The names of the runs that are planned and neither finished nor failed, and of those
            that failed.
        """
        self.expect(unfinished)
        for run in frozenset(unfinished) - self._unfinished:
            with suppress(OSError):  # a killed run may have left it behind
                (self._folder / run / progress.NAME).unlink()
        self._unfinished = frozenset(unfinished)
        self._failed = frozenset(failed)

    def start(self) -> None:
        """Start to display."""
        atexit.register(self.close)  # if Snakemake ends by an exception
        self._thread.start()

    def notice(self, text: str) -> None:
        """Log a message."""
        self._log.log(NOTICE, text)

    def plan(self, experiment: str, n_at_once: int | None, is_race: bool) -> str:
        """Return a line on what will be done.

        Parameters
        ----------
        experiment : str
            Its name.
        n_at_once : int or None
            The number of runs that are trained at once; None if it is not known.
        is_race : bool
            Whether further runs follow from results.
        """
        n_runs = self._jobs.planned.get(self._rule, 0)
        n_jobs = self._jobs.n_all
        text = f"{experiment}: {n_jobs} job{'s' if n_jobs != 1 else ''}"
        if n_runs:
            text += f", {n_runs} of them train{'s' if n_runs == 1 else ''} a run"
            if self._budget_seconds is not None:
                text += f" for {_duration(self._budget_seconds)}"
            if n_at_once is not None and n_runs > 1:
                text += f", {min(n_runs, n_at_once)} at once"
        elif is_race:
            text += ", and the runs that the race will ask for"
        return text

    def close(self) -> None:
        """Stop, and remove the bars."""
        self._is_over = True
        self._jobs.changed.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        terminal = self._terminal
        pause = BARS_SECONDS if terminal else LINES_SECONDS
        wait = pause
        due = time.monotonic() + wait
        started: dict[str, Progress] = {}
        while not self._is_over:
            # A job has started or ended: a terminal shows it at once, if reading costs little.
            is_event = self._jobs.changed.wait(max(0.0, due - time.monotonic()))
            self._jobs.changed.clear()
            is_due = time.monotonic() >= due
            if is_due or (is_event and terminal and wait == pause):
                began = time.thread_time()
                started = self._read()
                wait = max(pause, (time.thread_time() - began) / MAX_CPU_SHARE)
                due = time.monotonic() + wait
            if terminal:
                size = terminal.size
                terminal.show(self._block(started, size.columns - 1, size.lines - 1))
            elif is_due:
                self._report(started)
        if terminal:
            terminal.show([])

    def _read(self) -> dict[str, Progress]:
        """Return the progress of started runs, sorted by batch size."""
        found = {run: progress.read(self._folder / run) for run in self._unfinished}
        started = {run: each for run, each in found.items() if each}
        sizes = {run: self._specifications[run]["batch_size"] for run in started}
        return dict(sorted(started.items(), key=lambda item: (sizes[item[0]], item[0])))

    def _block(self, started: Mapping[str, Progress], width: int, height: int) -> list[str]:
        """Return the lines for a terminal, at most `height` of at most `width` characters."""
        lines = []
        others = self._others(started)
        if started:
            lines.append(self._summary(started))
            lines += _bars({self._names[run]: found for run, found in started.items()}, width)
        if others or not started:
            lines.append(others)
        if len(lines) > height:
            lines = [*lines[: height - 1], f"and {len(lines) - height + 1} more lines"]
        return [_cut(line, width) for line in lines if line]

    def _report(self, started: Mapping[str, Progress]) -> None:
        """Log what is under way, if anything is."""
        lines = [f"  {self._names[run]}: {_share(found)}" for run, found in started.items()]
        if started:
            lines.append(self._summary(started))
        if others := self._others(started):
            lines.append(others)
        if lines:
            self.notice("\n".join(lines))

    def _others(self, started: Mapping[str, Progress]) -> str:
        """Return a line on the jobs under way besides started runs, empty if there are none."""
        rules = self._jobs.under_way()
        rules[self._rule] -= len(started)
        now = [
            f"{_job(rule)}{f' ×{count}' if count > 1 else ''}" for rule, count in (+rules).items()
        ]
        if not now:
            return ""
        return f"{self._jobs.n_done} of {self._jobs.n_all} jobs done, now: {', '.join(now)}"

    def _summary(self, started: Mapping[str, Progress]) -> str:
        n_runs = len(self._specifications)
        n_done = n_runs - len(self._unfinished) - len(self._failed)
        n_training = sum(found.share is not None for found in started.values())
        states = {
            "failed": len(self._failed),
            "under way": n_training,
            "waiting": len(started) - n_training,
        }
        parts = [f"{n_done} of {n_runs} runs done"]
        parts += [f"{count} {state}" for state, count in states.items() if count]
        self._furthest = progress.furthest([self._furthest, *started.values()])
        run_seconds = progress.estimate_run_seconds(self._furthest) or self._budget_seconds
        if run_seconds is not None:
            n_unstarted = max(0, len(self._unfinished) - len(started))
            seconds = progress.estimate_seconds_left(started.values(), n_unstarted, run_seconds)
            parts.append(f"about {_duration(seconds)} of training left")
        return ", ".join(parts)


def name_runs(
    specifications: Mapping[str, Mapping[str, Any]], training_images: Mapping[str, int]
) -> dict[str, str]:
    """Name runs by their batch sizes and the other varying parameters.

    Parameters
    ----------
    specifications : mapping of str to mapping
        By the run's name in its path.
    training_images : mapping of str to int
        Those of each dataset.

    Returns
    -------
    dict of str to str
        As "batch 32, rate 0.1".
    """
    others = [key for key in REGISTRY if key != "batch_size"]
    varying = [key for key in others if len({s[key] for s in specifications.values()}) > 1]
    return {
        run: ", ".join(
            [
                batch_sizes.name(one["batch_size"], training_images[one["dataset"]]),
                *(f"{REGISTRY[key].label or key} {written(one[key])}" for key in varying),
            ],
        )
        for run, one in specifications.items()
    }


def _job(rule: str) -> str:
    """Return what a rule's job does, in words: rules are named by a verb and a noun."""
    return rule.replace("plot_", "charts of ", 1).replace("_", " ")


def _bars(runs: Mapping[str, Progress], width: int) -> list[str]:
    """Return a line with a bar for each run; bars, then names, are shortened to fit the width."""
    ends = [f"| {_share(found)}" for found in runs.values()]
    names = max(map(len, runs))
    free = width - max(map(len, ends)) - len(" |")
    least, most = BAR_WIDTHS
    bar = min(most, max(least, free - names))
    names = max(0, min(names, free - bar))
    return [
        f"{_cut(name, names).ljust(names)} |{Bar(min(1, found.share or 0), bar)}{end}"
        for (name, found), end in zip(runs.items(), ends, strict=True)
    ]


def _cut(text: str, width: int) -> str:
    """Shorten a text to a number of characters."""
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"


def _share(run: Progress) -> str:
    """Return a run's share of its budget and its loss, or what it does otherwise."""
    if run.share is None:
        return "waits for a core"
    state = "starts" if math.isnan(run.training_loss) else f"loss {run.training_loss:.4g}"
    return f"{100 * min(1, run.share):3.0f} %, {state}"


def _duration(seconds: float) -> str:
    """Format a duration in its two largest units, the second only if it is not 0."""
    minutes, seconds = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if not hours and not minutes:
        return f"{seconds} s"
    units = {"h": hours, "min": minutes} if hours else {"min": minutes, "s": seconds}
    return " ".join(f"{count} {unit}" for unit, count in units.items() if count)
