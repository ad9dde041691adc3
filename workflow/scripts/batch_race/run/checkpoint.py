"""The state of a run on disk, so that nothing is lost and nothing is trained twice.

While a run goes on, `checkpoint.npz` in its folder holds its latest state. A finished run needs
none: its weights and its history say all, and a run with a larger budget goes on from there.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple
from pathlib import Path
from typing import NamedTuple

import numpy as np

from batch_race.errors import InputError
from batch_race.store import arrays, clock, history
from batch_race.store.files import remove_leftovers, replacing
from nn.budget import Budget
from nn.network import Weights
from nn.records import Evaluation, Reading, State

NAME = "checkpoint.npz"

log = logging.getLogger(__name__)


class Found(NamedTuple):
    """A state on disk.

    Attributes
    ----------
    state : State
    contention : list of str
        Why what led there was contended; empty if it was not.
    """

    state: State
    contention: list[str]


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
        What the state depends on beside the run's specification; see `digest`.
    """
    text = json.dumps(
        {
            "fingerprint": fingerprint,
            "contention": list(contention),
            "step": state.step,
            "training_seconds": state.training_seconds,
            "wall_seconds": state.wall_seconds,
            "cpu_seconds": state.cpu_seconds,
            "evaluations": [asdict(evaluation) for evaluation in state.evaluations],
            "readings": [astuple(reading) for reading in state.readings],
        }
    )
    with replacing(folder / NAME) as temporary:
        np.savez(
            temporary,
            allow_pickle=False,
            w1=state.weights.w1,
            w2=state.weights.w2,
            text=np.frombuffer(text.encode(), dtype=np.uint8),
        )


def discard(folder: Path) -> None:
    """Remove a run's checkpoint, if there is one, and what a killed process left of another."""
    remove_leftovers(folder / NAME)
    (folder / NAME).unlink(missing_ok=True)


def latest(folder: Path, budget: Budget, batches_per_epoch: int, fingerprint: str) -> Found | None:
    """Find the furthest state that a run can go on from.

    Parameters
    ----------
    folder : Path
        The run's. The folders beside it are those of runs that differ from it in budget alone.
    budget : Budget
        The run's: a state beyond it is of no use.
    batches_per_epoch : int
    fingerprint : str
        What the state must have come from.

    Returns
    -------
    Found or None
        From this run's checkpoint, or another's, or from a finished run's results.
    """
    found = [_read_checkpoint(path, fingerprint) for path in folder.parent.glob(f"*/{NAME}")]
    found += [
        _read_results(path.parent, fingerprint)
        for path in folder.parent.glob("*/history.parquet")
        if path.parent != folder
    ]
    usable = [each for each in found if each and _is_within(each.state, budget, batches_per_epoch)]
    return max(usable, key=lambda each: each.state.step, default=None)


def digest(paths: Iterable[Path], *details: str | int) -> str:
    """Summarize what a state depends on: the content of files, and details.

    Parameters
    ----------
    paths : iterable of Path
        The data.
    *details : str or int
        A digest of the code, the processor, and the versions of NumPy, SciPy and their BLAS.

    Returns
    -------
    str
        SHA-256 in hexadecimal.
    """
    summary = hashlib.sha256(json.dumps(details).encode())
    for path in paths:
        with path.open("rb") as file:
            summary.update(hashlib.file_digest(file, "sha256").digest())
    return summary.hexdigest()


def _read_checkpoint(path: Path, fingerprint: str) -> Found | None:
    try:
        w1, w2, text = arrays.read_npz(path, "w1", "w2", "text")
        rest = json.loads(text.tobytes())
        if rest.pop("fingerprint") != fingerprint:
            return None
        evaluations = [Evaluation(**evaluation) for evaluation in rest.pop("evaluations")]
        readings = [Reading(*reading) for reading in rest.pop("readings")]
        contention = rest.pop("contention")
        state = State(Weights(w1, w2), evaluations, readings=readings, **rest)
        return Found(state, contention)
    except (InputError, ValueError, KeyError, TypeError) as error:
        log.warning("%s: not to be gone on from (%s)", path, error)
        return None


def _read_results(folder: Path, fingerprint: str) -> Found | None:
    try:
        table, metadata = history.read(folder / "history.parquet")
        if metadata["fingerprint"] != fingerprint:
            return None
        weights = arrays.read_weights(folder / "weights.npz")
        readings = clock.read(folder / clock.NAME)
    except InputError as error:
        log.warning("%s", error)
        return None
    evaluations = history.evaluations(table)
    last = evaluations[-1]
    seconds = (last.training_seconds, last.wall_seconds, last.cpu_seconds)
    return Found(
        State(weights, evaluations, last.step, *seconds, readings),
        metadata["contention"]["reasons"],
    )


def _is_within(state: State, budget: Budget, batches_per_epoch: int) -> bool:
    """Tell whether a run with this budget would have come by this state."""
    earlier = [evaluation for evaluation in state.evaluations if evaluation.step < state.step]
    return (
        state.step <= budget.last_step(batches_per_epoch)
        and budget.seconds_left(state.training_seconds, state.wall_seconds) > 0
        and not any(
            budget.is_target_reached(evaluation.training_loss, evaluation.test_accuracy)
            for evaluation in earlier
        )
    )
