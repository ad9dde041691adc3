"""The log of a rule's script, and how the script fails."""

import logging
import sys
from io import TextIOWrapper
from types import TracebackType

from batch_race import ending
from batch_race.errors import InputError


def start(log_path: str) -> None:
    """Send log messages and any uncaught exception to the rule's log file; hasten the script's end.

    An `InputError`, a lack of memory and Ctrl-C are logged as a message, other exceptions with
    their traceback. Snakemake shows the log of a failed job (`show-failed-logs` in the profiles).

    Parameters
    ----------
    log_path : str
        The log file of the rule.
    """
    logging.basicConfig(
        handlers=[_Log(log_path, mode="w", encoding="utf-8", errors="backslashreplace")],
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    logging.captureWarnings(True)
    sys.excepthook = _end_with_message
    ending.hasten()


def write_in_utf8(log: logging.Logger) -> None:
    """Let a logger's files have any character, whatever the locale that they were opened in.

    Parameters
    ----------
    log : logging.Logger
        Snakemake's.
    """
    for handler in log.handlers:
        if isinstance(handler, logging.FileHandler) and isinstance(handler.stream, TextIOWrapper):
            # A path may have bytes that are no UTF-8.
            handler.stream.reconfigure(encoding="utf-8", errors="backslashreplace")


class _Log(logging.FileHandler):
    """A log file; what cannot be written to it goes to the terminal."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        sys.stderr.write(f"{self.format(record)}\n")


def _end_with_message(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(kind, InputError):
        logging.error("%s", error)
    elif issubclass(kind, MemoryError):
        logging.error("out of memory: %s", error)
    elif issubclass(kind, KeyboardInterrupt):
        logging.warning("interrupted (SIGINT)")
    else:
        logging.critical("the script failed", exc_info=(kind, error, traceback))
