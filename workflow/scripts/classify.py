"""Classify images with the weights of a finished run.

    python workflow/scripts/classify.py RUN IMAGE...

RUN is a run's folder, results/train/<dataset>/<run>/<budget>; an IMAGE is an idx file or a picture
(PNG, JPEG, BMP, GIF, TIFF, WebP, PPM). Prints a line for each image: its file, its index in the
file, the class, and the probability that the network assigns to it, separated by tabs. An image
without any contrast is `blank`, which is no class.
"""

import argparse
import io
import sys
from pathlib import Path

from batch_race.data import pictures
from batch_race.errors import InputError, ResultError
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
    path = arguments.run
    try:
        classifier = Classifier(arguments.run)
        classes = classifier.training_data.classes
        for path in arguments.images:
            images = pictures.read(path, classifier.training_data)
            rows = classifier.probabilities(images)
            for index, (row, blank) in enumerate(zip(rows, pictures.is_blank(images), strict=True)):
                answer = "blank" if blank else f"{classes[row.argmax()]}\t{row.max():.3f}"
                sys.stdout.write(f"{path}\t{index}\t{answer}\n")
    except ResultError as error:
        sys.exit(error.problem)  # no command makes it here
    except InputError as error:
        sys.exit(str(error))
    except MemoryError:
        sys.exit(f"{path}: found more than fits the free memory, expected fewer or smaller images")


if __name__ == "__main__":
    main()
