"""A run between its specification and its results."""

import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batch_race.errors import InputError
from batch_race.run import checkpoint
from batch_race.run.checkpoint import Found
from batch_race.run.contention import Watch
from batch_race.run.interruption import InterruptionError, SignalHandler
from batch_race.run.progress import Progress, ProgressFile
from batch_race.run.snapshots import Snapshots
from batch_race.store import arrays, clock, history
from batch_race.store.files import replacing
from nn.batches import MiniBatches
from nn.budget import Budget
from nn.engine.sparse import LOOPS
from nn.examples import Examples, scaling
from nn.initializers import INITIALIZERS
from nn.network import N_CLASSES, Weights
from nn.records import Evaluation, State
from nn.replay import Replay
from nn.schedule import Schedule
from nn.trainer import Trainer

log = logging.getLogger(__name__)


class Attendant:
    """Does what has to be done between two stretches of training, off the training clock.

    Parameters
    ----------
    folder : Path
        The run's, where its checkpoint lies.
    origin : str
        What a checkpoint depends on beside the run's specification.
    checkpoint_seconds : float
        How often to write one.
    watch : Watch
    signals : SignalHandler
    progress : ProgressFile
    snapshots : Snapshots or None
        Where to put weights for a replay, if there will be one.
    """

    def __init__(
        self,
        folder: Path,
        origin: str,
        checkpoint_seconds: float,
        watch: Watch,
        signals: SignalHandler,
        progress: ProgressFile,
        snapshots: Snapshots | None,
    ) -> None:
        self._folder = folder
        self._origin = origin
        self._checkpoint_seconds = checkpoint_seconds
        self._watch = watch
        self._signals = signals
        self._progress = progress
        self._snapshots = snapshots
        self._saved_at = time.monotonic()
        self._logged = 0

    def attend(self, trainer: Trainer) -> None:
        """Log new evaluations, note how far it is, save weights and state, and end if asked to.

        Raises
        ------
        InterruptionError
            If the run is to end now. Its state is saved.
        """
        self._watch.close()
        for evaluation in trainer.evaluations[self._logged :]:
            log_evaluation(evaluation, trainer.batches_per_epoch)
        self._logged = len(trainer.evaluations)
        loss = trainer.evaluations[-1].training_loss
        self._progress.write(Progress(trainer.share_spent, loss, trainer.wall_seconds))
        if self._snapshots:
            self._snapshots.take(trainer)
        reason = self._signals.check()
        if reason or time.monotonic() - self._saved_at >= self._checkpoint_seconds:
            checkpoint.save(self._folder, trainer.state, self._watch.reasons, self._origin)
            self._saved_at = time.monotonic()
        if reason:
            raise InterruptionError(f"interrupted ({reason}) and saved at step {trainer.step}")
        self._watch.open()


def log_evaluation(evaluation: Evaluation, batches_per_epoch: int) -> None:
    """Write an evaluation into the log, as the chapter's program prints it, with its seconds.

    Parameters
    ----------
    evaluation : Evaluation
    batches_per_epoch : int
        The epoch and the batch of the last step are counted from 0, as in the chapter.
    """
    step = evaluation.step
    epoch, batch = divmod(step - 1, batches_per_epoch)
    log.info(
        "%s > Loss: %s, Accuracy: %s%% (step %d, %.3f s of training, %.3f s in all)",
        f"{epoch}-{batch}" if step else "start",
        evaluation.training_loss,
        evaluation.test_accuracy,
        step,
        evaluation.training_seconds,
        evaluation.wall_seconds,
    )


def check_threads(wanted: int, given: int) -> None:
    """Refuse a run that Snakemake has scaled down: its threads are part of what it is.

    Raises
    ------
    InputError
        If it is given fewer threads than it wants.
    """
    if given < wanted:
        raise InputError(
            f"threads: found {wanted}, expected at most the {given} that snakemake --cores gives"
        )


class Run:
    """A run as its specification has it, on given data.

    Parameters
    ----------
    specification : mapping
    training, test : Examples
        With the pixels as they are.

    Attributes
    ----------
    batches : MiniBatches
    """

    def __init__(
        self, specification: Mapping[str, Any], training: Examples, test: Examples
    ) -> None:
        inputs = scaling(specification["inputs"], training.images)
        self._specification = specification
        self._training = training._replace(scaling=inputs)
        self._test = test._replace(scaling=inputs)
        self.batches = MiniBatches(
            len(training.labels),
            specification["batch_size"],
            specification["leftover"],
            specification["shuffle"],
            specification["seed"],
        )
        self._budget = Budget(**specification["budget"])

    @property
    def needs_replay(self) -> bool:
        """Whether only a replay can tell when a target is reached."""
        return bool(self._specification["evaluation"]["every_steps"] != 1)

    def start(self, folder: Path, origin: str) -> Found:
        """Find where to start: from a state on disk, else from the first weights."""
        found = checkpoint.latest(folder, self._budget, self.batches.per_epoch, origin)
        if found:
            seconds = found.state.training_seconds
            log.info("going on from step %d, %.3f s", found.state.step, seconds)
            return found
        return Found(State(self._initial_weights()), [])

    def trainer(self, state: State, attendant: Attendant) -> Trainer:
        """Put the trainer together."""
        schedule = self._specification["evaluation"]
        given = {key: value for key, value in schedule.items() if value is not None}
        trainer = Trainer(
            state,
            self._training,
            self._test,
            self.batches,
            self._specification["learning_rate"],
            self._budget,
            Schedule(**given),
            attendant.attend,
            threads=self._specification["threads"],
            elementwise=self._specification["elementwise"],
        )
        if trainer.subnormals == "kept":
            log.warning(
                "subnormals are kept: this system offers no way to flush them, and on some "
                "processors they make steps many times slower"
            )
        if LOOPS is None:
            log.warning(
                "this SciPy has no compiled loops where they are looked for: its public sparse "
                "arrays are used, which are slower"
            )
        return trainer

    def replay(self, snapshots: Snapshots) -> Replay:
        """Put a replay of the run together."""
        return Replay(
            self._initial_weights(),
            self._training,
            self._test,
            self.batches,
            self._specification["learning_rate"],
            snapshots.latest,
            threads=self._specification["threads"],
            elementwise=self._specification["elementwise"],
        )

    def _initial_weights(self) -> Weights:
        n_inputs = self._training.images.shape[1]
        n_hidden = self._specification["hidden_nodes"]
        initialize = INITIALIZERS[self._specification["initializer"]]
        seed = self._specification["seed"]
        return initialize(seed, (1 + n_inputs, n_hidden), (1 + n_hidden, N_CLASSES))


def save(paths: Mapping[str, Path], trainer: Trainer, record: Mapping[str, Any]) -> None:
    """Write down a finished run.

    Parameters
    ----------
    paths : mapping of str to Path
        Where its `history`, `clock`, `weights` and `specification` go.
    trainer : Trainer
    record : mapping
        What its history's metadata says of it.
    """
    specification = record["specification"]
    table = history.tabulate(trainer.evaluations, specification)
    history.write(paths["history"], table, record)
    clock.write(paths["clock"], trainer.readings)
    arrays.write_weights(paths["weights"], trainer.state.weights)
    with replacing(paths["specification"]) as temporary:
        temporary.write_text(json.dumps(specification, indent=2) + "\n")
