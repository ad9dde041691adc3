"""Weights of a run on its way, so that a replay need not begin at step 0.

All budgets of a run share them. They are a cache: where one is missing, damaged or of another
fingerprint, a replay takes longer.
"""

import json
import logging
import math
from functools import cached_property
from pathlib import Path

import numpy as np

from batch_race.errors import InputError
from batch_race.store import arrays
from batch_race.store.files import replacing
from nn.network import Weights
from nn.trainer import Trainer

RATIO = 1.5
"""Training seconds of one snapshot over those of the one before; the first is after 1 s."""

log = logging.getLogger(__name__)


class Snapshots:
    """The snapshots of a run.

    Parameters
    ----------
    run : Path
        results/train/<dataset>/<run>, the folder of all its budgets.
    fingerprint : str
        The fingerprint of what the weights depend on beside the run's specification.
    """

    def __init__(self, run: Path, fingerprint: str) -> None:
        self._folder = run / "snapshots"
        self._fingerprint = fingerprint
        self._last = -1

    def take(self, trainer: Trainer) -> None:
        """Write the weights, if 1, 1.5, 1.5², … seconds of training have passed since the last."""
        index = math.floor(math.log(max(trainer.training_seconds, 0.5), RATIO))
        if index <= self._last:
            return
        self._last = index
        text = json.dumps({"fingerprint": self._fingerprint, "step": trainer.step})
        weights = trainer.state.weights
        # Named by its index, not its step: a run that is made again replaces them.
        with replacing(self._folder / f"{index}.npz") as temporary:
            np.savez(
                temporary,
                allow_pickle=False,
                w1=weights.w1,
                w2=weights.w2,
                text=np.frombuffer(text.encode(), dtype=np.uint8),
            )

    def latest(self, after: int, until: int) -> tuple[int, Weights] | None:
        """Return the furthest weights after the step `after` up to `until`, with their step."""
        for step in sorted(self._known, reverse=True):
            if after < step <= until:
                try:
                    w1, w2, text = arrays.read_npz(self._known[step], "w1", "w2", "text")
                except InputError as error:
                    log.warning("%s", error)
                    continue
                if self._step(text.tobytes()) == step:  # it may have been replaced meanwhile
                    return step, Weights(w1, w2)
        return None

    @cached_property
    def _known(self) -> dict[int, Path]:
        """By their steps, the snapshots of this fingerprint."""
        found = {}
        for path in self._folder.glob("*.npz"):
            try:
                (text,) = arrays.read_npz(path, "text")
                step = self._step(text.tobytes())
            except (InputError, ValueError, KeyError, TypeError) as error:
                log.warning("%s: not used (%s)", path, error)
                continue
            if step is not None:
                found[step] = path
        return found

    def _step(self, text: bytes) -> int | None:
        """Read the step of a snapshot; None if its fingerprint is another."""
        content = json.loads(text)
        return int(content["step"]) if content["fingerprint"] == self._fingerprint else None
