"""Classification of images by the trained network of a finished run."""

from pathlib import Path

import numpy as np

from batch_race.data.examples import open_images
from batch_race.data.pictures import Pixels
from batch_race.errors import InputError
from batch_race.store import arrays, history
from nn.examples import pixel_scaling
from nn.network import Floats, forward, softmax


class Classifier:
    """The trained network of a finished run.

    Parameters
    ----------
    run : Path
        Its folder, results/train/<dataset>/<run>/<budget>.

    Raises
    ------
    InputError
        If a file of the run is missing or damaged.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        self._weights = arrays.read_weights(run / "weights.npz")
        kind = history.read(run / "history.parquet")[1]["specification"]["inputs"]
        parsed = run.resolve().parents[3] / "parse" / run.resolve().parents[1].name
        # Only standardization needs the training images.
        training = (
            open_images(parsed / "train_images.npy")
            if kind == "standardized"
            else np.empty((0, 0), dtype=np.uint8)
        )
        self._factor, self._offset = map(np.float32, pixel_scaling(kind, training))

    def probabilities(self, pixels: Pixels) -> Floats:
        """Return the probability that each image is of each class.

        Parameters
        ----------
        pixels : ndarray of uint8, shape (n_images, n_pixels)

        Returns
        -------
        ndarray of float64, shape (n_images, n_classes)

        Raises
        ------
        InputError
            If the network was trained on images of another size.
        """
        n_inputs = len(self._weights.w1) - 1
        if pixels.shape[1] != n_inputs:
            raise InputError(
                f"{self._run}: found a network for images of {n_inputs} pixels, expected one for "
                f"{pixels.shape[1]}"
            )
        x = pixels * self._factor + self._offset
        # In float32 the probability of a misclassified image's true class could be 0.
        return softmax(forward(x, self._weights)[1].astype(np.float64))
