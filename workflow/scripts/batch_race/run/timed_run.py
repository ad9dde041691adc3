"""A run, from its specification to its results."""

import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batch_race.errors import InputError, ResultError
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
from nn.examples import Examples, pixel_scaling
from nn.initializers import INITIALIZERS
from nn.network import Weights
from nn.records import Evaluation, State
from nn.replay import Replay
from nn.schedule import Schedule
from nn.trainer import Trainer

log = logging.getLogger(__name__)


class Attendant:
    """Does all that a run needs between two stretches of training, where it is not timed.

    Parameters
    ----------
    folder : Path
        The run's, for its checkpoint.
    fingerprint : str
        That of its checkpoints; see `checkpoint.digest`.
    checkpoint_seconds : float
        Seconds from one checkpoint to the next.
    watch : Watch
    signals : SignalHandler
    progress : ProgressFile
    snapshots : Snapshots or None
        None if the run needs no replay.
    """

    def __init__(
        self,
        folder: Path,
        fingerprint: str,
        checkpoint_seconds: float,
        watch: Watch,
        signals: SignalHandler,
        progress: ProgressFile,
        snapshots: Snapshots | None,
    ) -> None:
        self._folder = folder
        self._fingerprint = fingerprint
        self._checkpoint_seconds = checkpoint_seconds
        self._watch = watch
        self._signals = signals
        self._progress = progress
        self._snapshots = snapshots
        self._saved_at = time.monotonic()
        self._logged = 0

    def attend(self, trainer: Trainer) -> None:
        """Log new evaluations, write progress, snapshot and checkpoint, and end on a signal.

        Raises
        ------
        InterruptionError
            On a signal to end. The state is saved.
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
            self.save(trainer)
        if reason:
            raise InterruptionError(f"interrupted ({reason}) and saved at step {trainer.step}")
        self._watch.open()

    def save(self, trainer: Trainer) -> None:
        """Write a checkpoint."""
        checkpoint.save(self._folder, trainer.state, self._watch.reasons, self._fingerprint)
        self._saved_at = time.monotonic()


def log_evaluation(evaluation: Evaluation, batches_per_epoch: int) -> None:
    """Log an evaluation as the chapter's program prints it, with its seconds.

    Parameters
    ----------
    evaluation : Evaluation
        Logged with the epoch and the batch of its last step, both counted from 0.
    batches_per_epoch : int
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
    """Check that Snakemake has not scaled a run down, whose result depends on its threads.

    Raises
    ------
    InputError
        If a run is given fewer threads than its specification says.
    """
    if given < wanted:
        raise InputError(
            f"threads: found {wanted}, expected at most the {given} that snakemake --cores gives"
        )


class Run:
    """A run of a specification on given data.

    Parameters
    ----------
    specification : mapping
    training, test : Examples
        With unscaled pixels, and labels as indices up to that of the last class.

    Attributes
    ----------
    batches : MiniBatches
    pixel_scaling : tuple of float
        See `nn.examples.PixelScaling`.
    """

    def __init__(
        self, specification: Mapping[str, Any], training: Examples, test: Examples
    ) -> None:
        self.pixel_scaling = pixel_scaling(specification["inputs"], training.images)
        self._specification = specification
        self._training = training._replace(pixel_scaling=self.pixel_scaling)
        self._test = test._replace(pixel_scaling=self.pixel_scaling)
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
        """Whether the step at which a target is reached takes a replay to find."""
        return bool(self._specification["evaluation"]["every_steps"] != 1)

    def start(self, folder: Path, fingerprint: str, *, may_be_contended: bool = True) -> Found:
        """Return the state to start from: one on disk, else the initial weights."""
        found = checkpoint.latest(
            folder,
            self._budget,
            self.batches.per_epoch,
            fingerprint,
            may_be_contended=may_be_contended,
        )
        if found:
            seconds = found.state.training_seconds
            log.info("resuming from step %d, %.3f s", found.state.step, seconds)
            return found
        return Found(State(self._initial_weights()), [])

    def trainer(self, state: State, attendant: Attendant) -> Trainer:
        """Return the run's trainer, from a state."""
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
            **self._engine_options,
        )
        if trainer.subnormals == "kept":
            log.warning(
                "subnormals are kept: flushing them is not supported on this system, and on some "
                "processors they make steps many times slower"
            )
        if LOOPS is None:
            log.warning(
                "SciPy's compiled loops: not found in this version; its public sparse arrays are "
                "used, which are slower"
            )
        return trainer

    def replay(self, snapshots: Snapshots) -> Replay:
        """Return a replay of the run."""
        return Replay(
            self._initial_weights(),
            self._training,
            self._test,
            self.batches,
            self._specification["learning_rate"],
            snapshots.latest,
            **self._engine_options,
        )

    @property
    def _engine_options(self) -> dict[str, Any]:
        """The hyperparameters of a step that trainer and replay pass to the engine."""
        return {key: self._specification[key] for key in ("threads", "elementwise", "momentum")}

    def _initial_weights(self) -> Weights:
        n_inputs = self._training.images.shape[1]
        n_hidden = self._specification["hidden_nodes"]
        initialize = INITIALIZERS[self._specification["initializer"]]
        seed = self._specification["seed"]
        n_classes = 1 + int(self._training.labels.max())
        w1, w2 = initialize(seed, (1 + n_inputs, n_hidden), (1 + n_hidden, n_classes))
        return Weights(w1, w2)


def save(paths: Mapping[str, Path], trainer: Trainer, record: Mapping[str, Any]) -> None:
    """Write the results of a finished run, its history last: a run that has one is finished.

    Parameters
    ----------
    paths : mapping of str to Path
        Those of its `history`, `clock`, `weights` and `specification`.
    trainer : Trainer
    record : mapping
        Its metadata.
    """
    specification = record["specification"]
    state = trainer.state
    arrays.write_weights(paths["weights"], state.weights, state.velocity)
    clock.write(paths["clock"], trainer.readings)
    with replacing(paths["specification"]) as temporary:
        temporary.write_text(json.dumps(specification, indent=2) + "\n", encoding="utf-8")
    history.write(paths["history"], history.tabulate(trainer.evaluations, specification), record)


def is_finished(paths: Mapping[str, Path], fingerprint: str) -> bool:
    """Return whether `save` has written all results of a run with a fingerprint.

    Snakemake removes them before a job starts, so it is another process that wrote them since.
    """
    if not all(path.exists() for path in paths.values()):
        return False
    try:
        return bool(history.read_metadata(paths["history"])["fingerprint"] == fingerprint)
    except ResultError:
        return False
