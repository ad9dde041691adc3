"""Classify images with the weights of a finished run.

    python workflow/scripts/classify.py RUN IMAGE...

RUN is a run's folder, results/train/<dataset>/<run>/<budget>; an IMAGE is a picture (PNG, JPEG …)
or an idx file. Prints a line for each image: its file, its index in the file, the class, and the
probability that the network assigns to it, separated by tabs. An image without any contrast is
`blank`, which is no class.
"""

import argparse
import io
import sys
from pathlib import Path

from batch_race.data import pictures
from batch_race.errors import InputError
from batch_race.run.classifier import Classifier


def main() -> None:
    """Classify the images that the command line names."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names of files and classes may have characters that the terminal's encoding has not.
        sys.stdout.reconfigure(errors="backslashreplace")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE")
    arguments = parser.parse_args()
    try:
        classifier = Classifier(arguments.run)
        classes = classifier.training_data.classes
        for path in arguments.images:
            images = pictures.read(path, classifier.training_data)
            rows = classifier.probabilities(images)
            for index, (row, blank) in enumerate(zip(rows, pictures.is_blank(images), strict=True)):
                answer = "blank" if blank else f"{classes[row.argmax()]}\t{row.max():.3f}"
                sys.stdout.write(f"{path}\t{index}\t{answer}\n")
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
