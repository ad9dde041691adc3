"""A trained network, put to use."""

from pathlib import Path

import numpy as np

from batch_race.data.pictures import Pixels
from batch_race.errors import InputError
from batch_race.store import arrays, history
from nn.examples import pixel_scaling
from nn.network import Floats, forward, softmax


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
        self._factor, self._offset = map(np.float32, pixel_scaling(kind, training))

    def probabilities(self, pixels: Pixels) -> Floats:
        """Classify images.

        Parameters
        ----------
        pixels : ndarray of uint8, shape (n_images, n_pixels)

        Returns
        -------
        ndarray of float, shape (n_images, n_classes)
            The probability that each image is of each class.

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
        # In float64, which can tell how wrong a wrong answer is.
        return softmax(forward(x, self._weights)[1].astype(np.float64))
