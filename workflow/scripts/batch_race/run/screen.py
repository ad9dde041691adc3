"""What is shown of a run of Snakemake: notices, warnings and errors, but not its own reports."""

import logging
import re
import textwrap
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from batch_race.run.jobs import NOTHING
from batch_race.run.terminal import Terminal, can_redraw, fold

NOTICE = (logging.INFO + logging.WARNING) // 2
"""The level of messages from this workflow, which Snakemake prints without a colour."""

ASKED = ("dryrun", "verbose", "debug_dag", "printshellcmds")
"""Settings of Snakemake's output by which the user asks for its reports."""

BEFORE_A_RUN = frozenset({"configfile", "execute_workflow"})
"""Functions of Snakemake that log before it has started a run."""

TERMINATING = "Terminating processes on user request"
"""How Snakemake's answer to Ctrl-C begins."""

KEPT = (
    NOTHING,
    TERMINATING,
    "Will exit after finishing currently running jobs",
    "Trying to restart job",
)
"""How those of Snakemake's reports begin that answer what the user has just done or seen."""

INTERRUPTED = re.compile(r" WARNING (interrupted \([A-Z]+\).*)\n?\Z")
"""How the log of a script that a signal has ended ends."""

NO_MESSAGE = "    message: None\n"
"""What Snakemake prints of a failed job whose rule has no message of its own."""

LOCATION = re.compile(
    r'^WorkflowError in file ".*", line \d+:\n|\n  File ".*", line \d+, in \S+$', re.MULTILINE
)
"""What Snakemake adds to a message that this workflow refuses something with."""

IN_FUNCTION = re.compile(
    r"InputFunctionException in rule [^\n]*\nError:\n  WorkflowError:\n(.*)\nWildcards:\n.*",
    re.DOTALL,
)
"""The same around one from a function of a rule, as of a target's path."""


def hide_reports(
    log: logging.Logger, settings: object, has_no_hooks: Callable[[], bool] = lambda: False
) -> None:
    """Leave Snakemake's reports on a run to its log file, unless the user has asked for them.

    So are the lines of the workflow's files that refused something, and empty messages.

    Parameters
    ----------
    log : logging.Logger
        Snakemake's.
    settings : object
        Snakemake's settings of its output.
    has_no_hooks : callable
        Returns whether Snakemake does not call the hooks that show progress and results; then its
        reports are all there is. It knows that only once it has read the workflow.
    """
    handler = _handler(log)
    if handler and not any(getattr(settings, name, False) for name in ASKED):
        handler.addFilter(Reports(has_no_hooks))
        handler.setFormatter(Shortened(handler.formatter or logging.Formatter()))


def open_terminal(log: logging.Logger) -> Terminal | None:
    """Return the terminal on which a log is printed, from now on above a block of lines.

    Parameters
    ----------
    log : logging.Logger
        Snakemake's.

    Returns
    -------
    Terminal or None
        None if the log is printed to no terminal, or by a plugin of Snakemake.
    """
    handler = _handler(log)
    if handler is None or not can_redraw(handler.stream):
        return None
    terminal = Terminal(handler.stream)
    handler.setStream(terminal)
    handler.setFormatter(Folded(handler.formatter or logging.Formatter(), terminal))
    return terminal


class Reports(logging.Filter):
    """A filter that leaves Snakemake's reports on a run to its log file.

    Reports are messages of the level INFO. What Snakemake logs when it runs nothing, as for
    `--lint` or `--unlock`, is its answer to the user, and passes.

    Parameters
    ----------
    has_no_hooks : callable
        As of `hide_reports`.
    """

    def __init__(self, has_no_hooks: Callable[[], bool]) -> None:
        super().__init__()
        self._has_no_hooks = has_no_hooks
        self._has_started = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to print a record."""
        if getattr(record, "event", None) == "workflow_started":
            self._has_started = True
        if record.levelno > logging.INFO or self._has_no_hooks():
            return True
        if self._has_started or record.funcName in BEFORE_A_RUN:
            return str(record.msg).startswith(KEPT)
        return True


class Shortened(logging.Formatter):
    """A formatter that leaves out what tells the user nothing.

    That is where in the workflow's files something was refused, the message "None" of a failed job,
    and after Ctrl-C all but a line of each job that it has ended.

    Parameters
    ----------
    formatter : logging.Formatter
        Formats all else.
    """

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self._formatter = formatter
        self._is_terminating = False

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record, empty if nothing of it is left."""
        text = self._formatter.format(record)
        self._is_terminating |= text.startswith(TERMINATING)
        if getattr(record, "event", None) == "job_error":
            ended = _interruption(getattr(record, "log", [])) if self._is_terminating else ""
            rule = getattr(record, "rule_name", "").replace("_", " ")
            return f"{rule}: {ended}" if ended else text.replace(NO_MESSAGE, "", 1)
        if self._is_terminating and text.startswith("RuleException:\nCalledProcessError"):
            return ""  # an error of the job follows
        match getattr(record, "exception", None):
            case "WorkflowError":
                return LOCATION.sub("", text)
            case "InputFunctionException" if refusal := IN_FUNCTION.fullmatch(text):
                return textwrap.dedent(refusal[1])
        return text


def _interruption(logs: Collection[str]) -> str:
    """Return the message of a script that a signal has ended, from its log; else nothing."""
    if logs and not any(Path(path).exists() for path in logs):  # Snakemake removes former ones
        return "interrupted before it began"
    for path in logs:
        with suppress(OSError, UnicodeDecodeError):
            if found := INTERRUPTED.search(Path(path).read_text(encoding="utf-8")):
                return found[1]
    return ""


class Folded(logging.Formatter):
    """A formatter that breaks lines at the width of a terminal, between words.

    Parameters
    ----------
    formatter : logging.Formatter
        Formats the messages.
    terminal : Terminal
    """

    def __init__(self, formatter: logging.Formatter, terminal: Terminal) -> None:
        super().__init__()
        self._formatter = formatter
        self._terminal = terminal

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record."""
        return fold(self._formatter.format(record), self._terminal.size.columns)


def _handler(log: logging.Logger) -> "logging.StreamHandler[Any] | None":
    """Return the handler that prints a log; a file's is a stream handler too."""
    for handler in log.handlers:
        is_file = isinstance(handler, logging.FileHandler)
        if isinstance(handler, logging.StreamHandler) and not is_file:
            return handler
    return None
