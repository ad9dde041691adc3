"""How far runs are: each says so in a note in its folder, and whoever shows it reads the notes."""

import json
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from batch_race.hyperparameters import REGISTRY

NAME = "progress.json"

NOTE_SECONDS = 1.0
"""The shortest time between two notes of a run that trains."""

TELLING_SHARE = 0.05
"""Of its budget that a run must have spent to tell how long it takes: the first evaluations come
thick and fast."""


@dataclass(frozen=True)
class Note:
    """What a run says of itself.

    Attributes
    ----------
    share : float or None
        Of its budget that is spent, 0 to 1; None while the run waits for a core.
    training_loss : float
        Of its latest evaluation, in nats.
    wall_seconds : float
        Since its start.
    """

    share: float | None = None
    training_loss: float = float("nan")
    wall_seconds: float = 0.0


class Notebook:
    """Keeps the note of one run: that it waits, until it writes how far it is.

    A note is no result: it is not flushed to the disk, and gone when the block ends.

    Parameters
    ----------
    folder : Path
        The run's, there already.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._written_at = -float("inf")

    def __enter__(self) -> "Notebook":
        """Begin with the note of a run that waits."""
        self._write(Note())
        return self

    def __exit__(self, *error: object) -> None:
        """Remove the note."""
        with suppress(OSError):
            self._path.unlink()

    def write(self, note: Note) -> None:
        """Write a note, unless the last is younger than `NOTE_SECONDS`."""
        now = time.monotonic()
        if now - self._written_at >= NOTE_SECONDS:
            self._written_at = now
            self._write(note)

    def _write(self, note: Note) -> None:
        with suppress(OSError):  # without a note a run is as good
            self._path.write_text(json.dumps(asdict(note)))


def read(folder: Path) -> Note | None:
    """Read the note of a run.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Note or None
        None where there is none, or one that is being written just then.
    """
    with suppress(OSError, ValueError, TypeError):
        return Note(**json.loads((folder / NAME).read_text()))
    return None


def furthest(notes: Iterable[Note]) -> Note:
    """Find the note of the run that is furthest: it tells best how long a run takes."""
    return max(notes, key=lambda note: note.share or 0.0, default=Note())


def usual_seconds(note: Note) -> float | None:
    """Estimate what a run takes from beginning to end, evaluations included.

    Parameters
    ----------
    note : Note

    Returns
    -------
    float or None
        None where the run has not come far enough to tell.
    """
    if note.share is None or note.share < TELLING_SHARE:
        return None
    return note.wall_seconds / note.share


def seconds_left(notes: Collection[Note], n_unstarted: int, usual: float) -> float:
    """Estimate the time until all runs are over, with as many at once as there are now.

    Parameters
    ----------
    notes : collection of Note
        Those of the runs that go on.
    n_unstarted : int
    usual : float
        The seconds that a run takes.

    Returns
    -------
    float
    """
    left = n_unstarted + sum(1 - min(1.0, note.share or 0.0) for note in notes)
    n_training = sum(note.share is not None for note in notes)
    return usual * left / max(1, n_training)


def names(specifications: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Name runs by their batch sizes and what else tells them apart.

    Parameters
    ----------
    specifications : mapping of str to mapping
        By the run's name in its path.

    Returns
    -------
    dict of str to str
        As "batch 32, learning_rate 0.1".
    """
    others = [key for key in REGISTRY if key != "batch_size"]
    telling = [key for key in others if len({s[key] for s in specifications.values()}) > 1]
    return {
        run: ", ".join(
            [f"batch {one['batch_size']}", *(f"{key} {one[key]}" for key in telling)],
        )
        for run, one in specifications.items()
    }
