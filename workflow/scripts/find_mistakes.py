"""Find the mistakes of the winner of an experiment."""

import json
from pathlib import Path

from batch_race.analyze import mistakes
from batch_race.data import idx
from batch_race.run.classifier import Classifier
from batch_race.store import logs, parquet


def main() -> None:
    """Choose the winner, and write its confusion matrix and its worst mistakes."""
    logs.start(snakemake.log[0])
    run = mistakes.choose(
        json.loads(Path(snakemake.input.answer).read_text()),
        parquet.read(Path(snakemake.input.measures))[0],
        json.loads(Path(snakemake.input.runs).read_text()),
    )
    if run is None:
        tables = mistakes.empty_tables()
    else:
        dataset = snakemake.params.datasets.index(run["dataset"])
        images = idx.read(Path(snakemake.input.test_images[dataset]), (None, None, None))
        labels = idx.read(Path(snakemake.input.test_labels[dataset]), (None,))
        classifier = Classifier(Path(run["folder"]))
        probabilities = classifier.probabilities(images.reshape(len(images), -1))
        tables = mistakes.examine(run, probabilities, labels, images)
    for table, path in zip(tables, snakemake.output, strict=True):
        parquet.write(Path(path), table)


if __name__ == "__main__":
    main()
