"""The progress of runs: each run keeps a file of it in its folder, and a display reads these."""

import json
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

NAME = "progress.json"

WRITE_SECONDS = 1.0
"""The shortest time between two writes of a run's progress."""

MIN_SHARE = 0.05
"""The share of its budget from which a run's duration is estimated: at first it evaluates often."""


@dataclass(frozen=True)
class Progress:
    """The progress of a run.

    Attributes
    ----------
    share : float or None
        Of the budget that is spent, 0 to 1; None while the run waits for a core.
    training_loss : float
        Of the latest evaluation, in nats.
    wall_seconds : float
        Since the start of the run.
    """

    share: float | None = None
    training_loss: float = float("nan")
    wall_seconds: float = 0.0


class ProgressFile:
    """The progress file of a run, which exists while the block runs.

    At first the run waits for a core. The file is not a result, and is not flushed to the disk.

    Parameters
    ----------
    folder : Path
        The existing folder of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._written_at = -float("inf")

    def __enter__(self) -> "ProgressFile":
        """Write that the run waits."""
        self._write(Progress())
        return self

    def __exit__(self, *error: object) -> None:
        """Remove the file."""
        with suppress(OSError):
            self._path.unlink()

    def write(self, progress: Progress) -> None:
        """Write the progress, unless the last was written less than `WRITE_SECONDS` ago."""
        now = time.monotonic()
        if now - self._written_at >= WRITE_SECONDS:
            self._written_at = now
            self._write(progress)

    def _write(self, progress: Progress) -> None:
        with suppress(OSError):  # a run does not need the file
            self._path.write_text(json.dumps(asdict(progress)), encoding="utf-8")


def read(folder: Path) -> Progress | None:
    """Read the progress of a run.

    Parameters
    ----------
    folder : Path
        The folder of the run.

    Returns
    -------
    Progress or None
        None if there is no file, or one that is being written at the moment.
    """
    with suppress(OSError, ValueError, TypeError):
        return Progress(**json.loads((folder / NAME).read_text(encoding="utf-8")))
    return None


def furthest(runs: Iterable[Progress]) -> Progress:
    """Return the progress of the run that has spent the largest share of its budget."""
    return max(runs, key=lambda run: run.share or 0.0, default=Progress())


def estimate_run_seconds(run: Progress) -> float | None:
    """Estimate the duration of a whole run, evaluations included.

    Parameters
    ----------
    run : Progress

    Returns
    -------
    float or None
        None if the run has spent less than `MIN_SHARE` of its budget.
    """
    if run.share is None or run.share < MIN_SHARE:
        return None
    return run.wall_seconds / run.share


def estimate_seconds_left(
    runs: Collection[Progress], n_unstarted: int, run_seconds: float
) -> float:
    """Estimate the time until all runs are finished, with as many at once as there are now.

    Parameters
    ----------
    runs : collection of Progress
        The unfinished runs that have started.
    n_unstarted : int
        Number of other unfinished runs.
    run_seconds : float
        Duration of a run.

    Returns
    -------
    float
        Seconds.
    """
    left = n_unstarted + sum(1 - min(1.0, run.share or 0.0) for run in runs)
    n_training = sum(run.share is not None for run in runs)
    return run_seconds * left / max(1, n_training)
