"""Work that is abandoned when it takes too long."""

import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def finish_within(seconds: float, work: Callable[[], Result]) -> Result:
    """Return the result of work in a thread.

    Neither a socket's timeout nor a signal ends all waits: each byte restarts the one, and a
    decoder or a network disk does not notice the other. A thread can be abandoned; it ends with the
    process.

    Parameters
    ----------
    seconds : float
    work : callable

    Raises
    ------
    TimeoutError
        If the work takes longer.
    """
    results: list[Result] = []
    failures: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:  # raised again below, in the thread that waits
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError
    if failures:
        raise failures[0]
    return results[0]
