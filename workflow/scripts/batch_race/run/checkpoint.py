"""The state of a run on disk, from which an interrupted or a longer run resumes.

During a run, `checkpoint-<fingerprint>.npz` in its folder holds its latest state. The name is that
of what the state depends on, so that a run on another processor, or with other code, does not
replace it. A finished run needs none: a run with a larger budget resumes from its weights and its
history.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, astuple
from pathlib import Path
from typing import NamedTuple

from batch_race.errors import InputError, UnreadableError
from batch_race.store import arrays, clock, history
from batch_race.store.files import open_regular, remove_leftovers, set_aside
from nn.budget import Budget
from nn.records import Evaluation, Reading, State

log = logging.getLogger(__name__)


class Found(NamedTuple):
    """A state on disk.

    Attributes
    ----------
    state : State
    contention : list of str
        Why the run until then was contended; empty if it was not.
    """

    state: State
    contention: list[str]


def path_of(folder: Path, fingerprint: str) -> Path:
    """Return the path of the checkpoint with a fingerprint in a run's folder."""
    return folder / f"checkpoint-{fingerprint[:10]}.npz"


def save(folder: Path, state: State, contention: Sequence[str], fingerprint: str) -> None:
    """Write a run's state, whole or not at all.

    Parameters
    ----------
    folder : Path
        The run's.
    state : State
    contention : sequence of str
        Why the run was contended until now; empty if it was not.
    fingerprint : str
        Of what the state depends on besides the run's specification; see `digest`.
    """
    record = {
        "fingerprint": fingerprint,
        "contention": list(contention),
        "step": state.step,
        "training_seconds": state.training_seconds,
        "wall_seconds": state.wall_seconds,
        "cpu_seconds": state.cpu_seconds,
        "evaluations": [asdict(evaluation) for evaluation in state.evaluations],
        "readings": [astuple(reading) for reading in state.readings],
    }
    arrays.write_state(path_of(folder, fingerprint), state.weights, state.velocity, record)


def discard(folder: Path, fingerprint: str | None = None) -> None:
    """Remove checkpoints of a run, and temporary files that killed processes left of one.

    A file that cannot be removed does no harm to a finished run, and stays.

    Parameters
    ----------
    folder : Path
        The run's.
    fingerprint : str, optional
        Only the checkpoint with it is removed; by default all are, also those that were kept.
    """
    with suppress(OSError):
        name = path_of(folder, fingerprint).name if fingerprint else "checkpoint*"
        for each in folder.glob(name):
            remove_leftovers(each)
            each.unlink(missing_ok=True)


def latest(
    folder: Path,
    budget: Budget,
    batches_per_epoch: int,
    fingerprint: str,
    *,
    may_be_contended: bool = True,
) -> Found | None:
    """Return the furthest state from which a run can resume.

    Parameters
    ----------
    folder : Path
        The run's. The folders next to it are those of runs that differ in their budgets alone.
    budget : Budget
        The run's; a state beyond it is not used.
    batches_per_epoch : int
    fingerprint : str
        That of the state.
    may_be_contended : bool
        Whether the state may be that of a contended run, whose times read high.

    Returns
    -------
    Found or None
        From this run's checkpoint, or another's, or the results of a finished run. This run's own
        may be its last state, if it was interrupted before its results were written.

    Raises
    ------
    UnreadableError
        If a state cannot be read now: it may be the furthest.
    """
    own = path_of(folder, fingerprint)
    files = [file for each in _list(folder.parent) for file in _list(each)]
    found = {file: _read_checkpoint(file, fingerprint) for file in files if file.name == own.name}
    found |= {
        file: _read_results(file.parent, fingerprint)
        for file in files
        if file.name == "history.parquet" and file.parent != folder
    }
    usable = {
        file: each
        for file, each in found.items()
        if each
        and _is_within(each.state, budget, batches_per_epoch)
        and (file == own or _has_time(each.state, budget))
        and (may_be_contended or not each.contention)
    }
    if own in found and own not in usable:
        log.warning("%s: not resumed from, kept as %s", own, set_aside(own).name)
    return max(usable.values(), key=lambda each: each.state.step, default=None)


def digest(paths: Iterable[Path], *details: str | int) -> str:
    """Return a fingerprint: the digest of files and details.

    Parameters
    ----------
    paths : iterable of Path
        The data.
    *details : str or int
        The digest of the code, the processor, and the versions of NumPy, SciPy and their BLAS.

    Returns
    -------
    str
        SHA-256 in hexadecimal.

    Raises
    ------
    UnreadableError
        If a file cannot be read.
    """
    summary = hashlib.sha256(json.dumps(details).encode())
    for path in paths:
        try:
            with open_regular(path) as file:
                summary.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise UnreadableError(f"{path}: cannot be read: {error.strerror}") from error
    return summary.hexdigest()


def _list(folder: Path) -> list[Path]:
    """List the files in a folder; none if it is not there, or no folder."""
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UnreadableError(f"{folder}: cannot be read: {error.strerror}") from error


def _read_checkpoint(path: Path, fingerprint: str) -> Found | None:
    try:
        weights, velocity, record = arrays.read_state(path)
        if record.pop("fingerprint") != fingerprint:
            return None
        contention = record.pop("contention")
        evaluations = [Evaluation(**evaluation) for evaluation in record.pop("evaluations")]
        readings = [Reading(*reading) for reading in record.pop("readings")]
        state = State(weights, evaluations, readings=readings, velocity=velocity, **record)
        return Found(state, contention)
    except UnreadableError:
        raise
    except (InputError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s: cannot be resumed from (%s)", path, error)
        return None


def _read_results(folder: Path, fingerprint: str) -> Found | None:
    try:
        table, metadata = history.read(folder / "history.parquet")
        if metadata["fingerprint"] != fingerprint:
            return None
        weights = arrays.read_weights(folder / "weights.npz")
        has_velocity = metadata["specification"]["momentum"] > 0
        velocity = arrays.read_velocity(folder / "weights.npz") if has_velocity else None
        readings = clock.read(folder / clock.NAME)
    except UnreadableError:
        raise
    except InputError as error:
        log.warning("%s", error)
        return None
    evaluations = history.evaluations(table)
    last = evaluations[-1]
    seconds = (last.training_seconds, last.wall_seconds, last.cpu_seconds)
    return Found(
        State(weights, evaluations, last.step, *seconds, readings, velocity),
        metadata["contention"]["reasons"],
    )


def _is_within(state: State, budget: Budget, batches_per_epoch: int) -> bool:
    """Return whether a run with this budget passes through, or ends with, the step of a state."""
    earlier = [evaluation for evaluation in state.evaluations if evaluation.step < state.step]
    return state.step <= budget.last_step(batches_per_epoch) and not any(
        budget.is_target_reached(evaluation.training_loss, evaluation.test_accuracy)
        for evaluation in earlier
    )


def _has_time(state: State, budget: Budget) -> bool:
    return budget.seconds_left(state.training_seconds, state.wall_seconds) > 0
