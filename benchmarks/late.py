"""Weights late in training, from which every engine takes the same steps.

The first steps hide the cost of saturated sigmoids, whose gradients are subnormal.
"""

from pathlib import Path

import numpy as np

from benchmarks.engines import ours
from benchmarks.engines import problem as problems

BATCH_SIZE = 32
STEPS = {"late": 20_000, "late_dense": 1_000}
"""Ten epochs of each kind of problem."""


def write(folder: Path, folders: tuple[Path, Path]) -> None:
    """Train on raw pixels, and write the weights of each kind of problem.

    Parameters
    ----------
    folder : Path
        For `late.npz` and `late_dense.npz`.
    folders : tuple of Path
        Those of the workflow's rules parse and prepare.
    """
    for kind, steps in STEPS.items():
        problem = problems.dense(1) if "dense" in kind else problems.real(*folders, threads=1)
        engine = ours.Engine(problem)
        engine.prepare(BATCH_SIZE, n_batches := len(problem.training.labels) // BATCH_SIZE)
        with engine.running():
            for step in range(steps):
                engine.step(step % n_batches)
        np.savez(folder / f"{kind}.npz", **engine.weights()._asdict())
