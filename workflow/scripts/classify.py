"""Classify images with the weights of a finished run.

    python workflow/scripts/classify.py RUN IMAGE...

RUN is a run's folder, results/train/<dataset>/<run>/<budget>; an IMAGE is a picture of one digit
(PNG, JPEG …) or an idx file. Prints a line for each image: its file, its place in it, the class,
and the probability that the network gives it.
"""

import argparse
import sys
from pathlib import Path

from batch_race.data import pictures
from batch_race.errors import InputError
from batch_race.run.classifier import Network


def main() -> None:
    """Classify what the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE")
    arguments = parser.parse_args()
    try:
        network = Network(arguments.run)
        for path in arguments.images:
            for place, row in enumerate(network.probabilities(pictures.read(path))):
                sys.stdout.write(f"{path} {place} {row.argmax()} {row.max():.3f}\n")
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
