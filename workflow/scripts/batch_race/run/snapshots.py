"""Snapshots of a run's network, from which a replay starts instead of step 0.

All budgets of a run share them. They are a cache: without one, or where one is damaged or has
another fingerprint, a replay only takes longer.
"""

import logging
import math
from functools import cached_property
from pathlib import Path

from batch_race.errors import InputError
from batch_race.store import arrays
from nn.replay import Snapshot
from nn.trainer import Trainer

RATIO = 1.25
"""Training seconds of a snapshot over those of the one before; the first is after 1 s."""

log = logging.getLogger(__name__)


class Snapshots:
    """The snapshots of a run.

    Parameters
    ----------
    run : Path
        results/train/<dataset>/<run>, the folder of all its budgets.
    fingerprint : str
        Of what the network depends on besides the run's specification.
    """

    def __init__(self, run: Path, fingerprint: str) -> None:
        self._folder = run / "snapshots"
        self._fingerprint = fingerprint
        self._last = -1

    def take(self, trainer: Trainer) -> None:
        """Write a snapshot, if training has passed 1, 1.25, 1.25², … seconds since the last."""
        index = math.floor(math.log(max(trainer.training_seconds, 0.5), RATIO))
        if index <= self._last:
            return
        self._last = index
        state = trainer.state
        record = {"fingerprint": self._fingerprint, "step": state.step}
        # Named by index, not by step: a run that is repeated replaces them.
        path = self._folder / f"{index}.npz"
        arrays.write_state(path, state.weights, state.velocity, record)

    def latest(self, after: int, until: int) -> Snapshot | None:
        """Return the last snapshot after the step `after`, up to and including `until`."""
        for step in sorted(self._known, reverse=True):
            if after < step <= until:
                snapshot = self._read(self._known[step])
                if snapshot and snapshot.step == step:  # it may have been replaced meanwhile
                    return snapshot
        return None

    @cached_property
    def _known(self) -> dict[int, Path]:
        """The snapshots of this fingerprint, by their steps."""
        found = {path: self._read(path) for path in self._folder.glob("*.npz")}
        return {snapshot.step: path for path, snapshot in found.items() if snapshot}

    def _read(self, path: Path) -> Snapshot | None:
        """Read a snapshot; None if it is damaged or has another fingerprint."""
        try:
            weights, velocity, record = arrays.read_state(path)
            if record["fingerprint"] != self._fingerprint:
                return None
            return Snapshot(int(record["step"]), weights, velocity)
        except (InputError, ValueError, KeyError, TypeError) as error:
            log.warning("%s: not used (%s)", path, error)
            return None
