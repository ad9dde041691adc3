"""Find the mistakes of the winner of an experiment."""

import json
from pathlib import Path

import numpy as np

from batch_race.analyze import mistakes
from batch_race.data.examples import open_images
from batch_race.run.classifier import Classifier
from batch_race.store import arrays, logs, parquet


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
        images = open_images(Path(snakemake.input.test_images[dataset]))
        labels = arrays.open_mapped(Path(snakemake.input.test_labels[dataset]), np.uint8, 1)
        description = json.loads(Path(snakemake.input.descriptions[dataset]).read_text())
        shape = (len(images), description["image_height"], description["image_width"])
        classifier = Classifier(Path(run["folder"]))
        probabilities = classifier.probabilities(images)
        tables = mistakes.examine(run, probabilities, labels, images.reshape(shape))
    for table, path in zip(tables, snakemake.output, strict=True):
        parquet.write(Path(path), table)


if __name__ == "__main__":
    main()
