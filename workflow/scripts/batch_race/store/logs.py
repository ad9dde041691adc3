"""What a script says, in its rule's log; and how it fails."""

import logging
import sys
from types import TracebackType

from batch_race.errors import InputError


def start(log_path: str) -> None:
    """Send the log and whatever ends the script early to the rule's log file.

    An `InputError` or a lack of memory is written as its message; any other exception with its
    traceback. Snakemake
    shows the log of a job that fails (`show-failed-logs` in the profiles).

    Parameters
    ----------
    log_path : str
        The rule's log.
    """
    logging.basicConfig(
        handlers=[_Log(log_path, mode="w")],
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    logging.captureWarnings(True)
    sys.excepthook = _end_with_message


class _Log(logging.FileHandler):
    """A log file; what the disk has no room for goes to the terminal."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        sys.stderr.write(f"{self.format(record)}\n")


def _end_with_message(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(kind, InputError):
        logging.error("%s", error)
    elif issubclass(kind, MemoryError):
        logging.error("out of memory: %s", error)
    else:
        logging.critical("the script failed", exc_info=(kind, error, traceback))
