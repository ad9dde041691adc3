"""Find the mistakes of the winner of an experiment."""

import json
from pathlib import Path

from batch_race.analyze import mistakes
from batch_race.data.examples import open_images, open_labels
from batch_race.run.classifier import Classifier
from batch_race.store import logs, parquet, with_csv


def main() -> None:
    """Choose the winner, and write its confusion matrix and its worst mistakes."""
    logs.start(snakemake.log[0])
    run = mistakes.choose(
        json.loads(Path(snakemake.input.answer).read_text(encoding="utf-8")),
        parquet.read(Path(snakemake.input.measures))[0],
        json.loads(Path(snakemake.input.runs).read_text(encoding="utf-8")),
    )
    if run is None:
        tables = mistakes.empty_tables()
    else:
        dataset = snakemake.params.datasets.index(run["dataset"])
        pixels = open_images(Path(snakemake.input.test_images[dataset]))
        labels = open_labels(Path(snakemake.input.test_labels[dataset]))
        classifier = Classifier(Path(run["folder"]))
        data = classifier.training_data
        images = pixels.reshape(-1, data.height, data.width)
        tables = mistakes.examine(
            run, classifier.probabilities(pixels), labels, images, data.classes
        )
    paths = (snakemake.output.confusion, snakemake.output.mistakes)
    for table, path in zip(tables, paths, strict=True):
        with_csv.write(Path(path), table)


if __name__ == "__main__":
    main()
