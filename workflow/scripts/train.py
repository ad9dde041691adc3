"""Train one network and write down its history."""

import json
import logging
from pathlib import Path
from typing import Any

from nn.batches import MiniBatches
from nn.budget import Budget
from nn.examples import Examples, scaling
from nn.initializers import INITIALIZERS
from nn.network import N_CLASSES
from nn.schedule import Schedule
from nn.trainer import Evaluation, Trainer
from workflow.scripts.common import arrays, history, logs, machine
from workflow.scripts.common.files import replacing


def main() -> None:
    """Train, then write all that is known of the run."""
    logs.start(snakemake.log[0])
    specification = snakemake.params.specification
    files = {name: Path(path) for name, path in snakemake.input.items() if name != "code"}
    training = arrays.open_examples(files["train_images"], files["train_labels"])
    test = arrays.open_examples(files["test_images"], files["test_labels"])
    trainer = prepare(specification, training, test)
    stopped = trainer.run()
    metadata = {
        "specification": specification,
        "stopped": stopped,
        "threads": snakemake.threads,
        "training_images": len(training.labels),
        "machine": machine.describe(),
        "versions": machine.versions(),
    }
    table = history.tabulate(trainer.evaluations, specification)
    history.write(Path(snakemake.output.history), table, metadata)
    arrays.write_weights(Path(snakemake.output.weights), trainer.weights)
    with replacing(Path(snakemake.output.specification)) as temporary:
        temporary.write_text(json.dumps(specification, indent=2) + "\n")


def prepare(specification: dict[str, Any], training: Examples, test: Examples) -> Trainer:
    """Put a trainer together as the specification says."""
    n_images, n_inputs = training.images.shape
    n_hidden = specification["hidden_nodes"]
    inputs = scaling(specification["inputs"], training.images)
    initialize = INITIALIZERS[specification["initializer"]]
    return Trainer(
        weights=initialize(
            specification["seed"], (1 + n_inputs, n_hidden), (1 + n_hidden, N_CLASSES)
        ),
        training=training._replace(scaling=inputs),
        test=test._replace(scaling=inputs),
        batches=MiniBatches(
            n_images,
            specification["batch_size"],
            specification["leftover"],
            specification["shuffle"],
            specification["seed"],
        ),
        learning_rate=specification["learning_rate"],
        budget=Budget(**specification["budget"]),
        schedule=Schedule(**specification["evaluation"]),
        observe=report,
    )


def report(evaluation: Evaluation) -> None:
    """Write an evaluation into the log."""
    logging.info(
        "epoch %d, step %d: loss %.6f, accuracy %.2f %%, %.3f s of training, %.3f s in all",
        evaluation.epoch,
        evaluation.step,
        evaluation.training_loss,
        evaluation.test_accuracy,
        evaluation.training_seconds,
        evaluation.wall_seconds,
    )


if __name__ == "__main__":
    main()
