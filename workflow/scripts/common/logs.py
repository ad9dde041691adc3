"""What a script says, in its rule's log; and how it fails."""

import logging
import sys
from types import TracebackType

from workflow.scripts.common.errors import InputError


def start(log_path: str) -> None:
    """Send the log and whatever ends the script early to the rule's log file.

    An `InputError` is written as its message; any other exception with its traceback. Snakemake
    shows the log of a job that fails (`show-failed-logs` in the profiles).

    Parameters
    ----------
    log_path : str
        The rule's log.
    """
    logging.basicConfig(
        filename=log_path,
        filemode="w",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    logging.captureWarnings(True)
    sys.excepthook = _end_with_message


def _end_with_message(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(kind, InputError):
        logging.error("%s", error)
    else:
        logging.critical("the script failed", exc_info=(kind, error, traceback))
