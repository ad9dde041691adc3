"""How long training goes on."""

from dataclasses import dataclass
from typing import Literal

ClockName = Literal["training", "wall"]


@dataclass(frozen=True)
class Budget:
    """What training may spend; the first limit that is reached ends it.

    Attributes
    ----------
    seconds : float or None
        Seconds of the clock named by `clock`.
    clock : {"training", "wall"}
        `training` counts the steps alone: evaluation is off the clock. `wall` counts everything
        since the start: evaluation is on the clock, as in the chapter.
    steps : int or None
    epochs : int or None

    Raises
    ------
    ValueError
        If no limit is given.
    """

    seconds: float | None = None
    clock: ClockName = "training"
    steps: int | None = None
    epochs: int | None = None

    def __post_init__(self) -> None:
        if self.seconds is None and self.steps is None and self.epochs is None:
            raise ValueError("budget: found no limit, expected seconds, steps or epochs")

    def last_step(self, batches_per_epoch: int) -> float:
        """Tell the step at which training ends at the latest; infinite without such a limit."""
        steps = float("inf") if self.steps is None else self.steps
        epochs = float("inf") if self.epochs is None else self.epochs * batches_per_epoch
        return min(steps, epochs)
