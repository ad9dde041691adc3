"""Train one network on cores of its own, and write its history."""

import logging
import sys
from pathlib import Path

from threadpoolctl import threadpool_limits

from batch_race.data import description
from batch_race.data.examples import open_examples
from batch_race.run import checkpoint, cores, machine
from batch_race.run.contention import ContendedError, Watch
from batch_race.run.interruption import InterruptionError, SignalHandler
from batch_race.run.progress import ProgressFile
from batch_race.run.snapshots import Snapshots
from batch_race.run.timed_run import Attendant, Run, check_threads, is_finished, save
from batch_race.store import logs
from batch_race.store.files import locked


def main() -> None:
    """Train and write the results; on a signal, save the state instead."""
    logs.start(snakemake.log[0])
    signals = SignalHandler()
    folder = Path(snakemake.output.history).parent
    try:
        # An earlier process of the same run may still be saving its state.
        with locked(folder, say), ProgressFile(folder) as progress:
            train(folder, signals, progress)
    except InterruptionError as interruption:
        logging.warning("%s", interruption)
        sys.exit(signals.exit_status)


def say(message: str) -> None:
    """Log a message, and show it at once: the log is not seen while the job runs."""
    logging.warning("%s", message)
    sys.stderr.write(f"{message}\n")


def train(folder: Path, signals: SignalHandler, progress: ProgressFile) -> None:
    """Train the network of a run's folder."""
    specification = snakemake.params.specification
    check_threads(specification["threads"], snakemake.threads)
    data = {name: Path(path) for name, path in snakemake.input.items()}
    training = open_examples(data, "train")
    test = open_examples(data, "test")
    described = description.read(data["description"])
    fingerprint = checkpoint.digest(data.values(), snakemake.params.code, *machine.arithmetic())
    paths = {name: Path(path) for name, path in snakemake.output.items()}
    if is_finished(paths, fingerprint):
        logging.info("finished by another process meanwhile")
        return

    run = Run(specification, training, test)
    is_contention_flagged = snakemake.params.on_contention == "flag"
    # Also before and after training, where the machine's speed is measured.
    one_thread = threadpool_limits(limits=1, user_api="blas")
    with one_thread, cores.lease(specification["threads"]) as processors:
        state, earlier_contention = run.start(
            folder, fingerprint, may_be_contended=is_contention_flagged
        )
        watch = Watch(processors, earlier_contention)
        snapshots = Snapshots(folder.parent, fingerprint) if run.needs_replay else None
        save_every = snakemake.params.checkpoint_seconds
        attendant = Attendant(folder, fingerprint, save_every, watch, signals, progress, snapshots)
        trainer = run.trainer(state, attendant)
        trainer.warm_up()
        signals.defer()
        watch.open()
        stopped = trainer.run()
        attendant.save(trainer)  # before anything else may fail
        contention = watch.report()
    if contention["contended"] and not is_contention_flagged:
        checkpoint.discard(folder, fingerprint)  # but not that of another processor
        raise ContendedError(
            f"{folder}: contended, {'; '.join(contention['reasons'])}; the same command measures "
            "it again"
        )

    record = {
        "specification": specification,
        "stopped": stopped,
        "contention": contention,
        "processors": processors,
        "threads_used": trainer.threads_used,
        "subnormals": trainer.subnormals,
        "fingerprint": fingerprint,
        "training_images": len(training.labels),
        "training_data": described._asdict(),
        "pixel_scaling": run.pixel_scaling,
        "machine": machine.describe(),
        "versions": machine.versions(),
        "engine": snakemake.params.engine[:10],
    }
    save(paths, trainer, record)
    if not signals.check():  # else Snakemake may remove the results
        checkpoint.discard(folder)


if __name__ == "__main__":
    main()
