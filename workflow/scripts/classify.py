"""Classify images with the weights of a finished run.

    python -m workflow.scripts.classify RUN IMAGE...

RUN is a run's folder, results/train/<dataset>/<run>/<budget>; an IMAGE is a picture of one digit
(PNG, JPEG …) or an idx file. Prints a line for each image: its file, its place in it, the class,
and the probability that the network gives it.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from nn.examples import scaling
from nn.network import forward, softmax
from workflow.scripts.common import arrays, history, images
from workflow.scripts.common.errors import InputError


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
            for place, (digit, probability) in enumerate(network.classify(images.read(path))):
                sys.stdout.write(f"{path} {place} {digit} {probability:.3f}\n")
    except InputError as error:
        sys.exit(str(error))


class Network:
    """A trained network, from the folder of its run.

    Parameters
    ----------
    run : Path
        results/train/<dataset>/<run>/<budget>.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        self._weights = arrays.read_weights(run / "weights.npz")
        kind = history.read(run / "history.parquet")[1]["specification"]["inputs"]
        parsed = run.resolve().parents[3] / "parse" / run.resolve().parents[1].name
        # Only to standardize, the training images have to be there.
        training = (
            arrays.open_images(parsed / "train_images.npy")
            if kind == "standardized"
            else np.empty((0, 0), dtype=np.uint8)
        )
        self._factor, self._offset = map(np.float32, scaling(kind, training))

    def classify(self, pixels: images.Pixels) -> list[tuple[int, float]]:
        """Classify images; give the class of each and the probability that it is given."""
        n_inputs = len(self._weights.w1) - 1
        if pixels.shape[1] != n_inputs:
            raise InputError(
                f"{self._run}: found a network for images of {n_inputs} pixels, expected one for "
                f"{pixels.shape[1]}"
            )
        x = pixels * self._factor + self._offset
        probabilities = softmax(forward(x, self._weights)[1])
        return [(int(row.argmax()), float(row.max())) for row in probabilities]


if __name__ == "__main__":
    main()
