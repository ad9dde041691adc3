"""Classification of images by the trained network of a finished run."""

from pathlib import Path

import numpy as np

from batch_race.data.description import Description
from batch_race.data.pictures import Pixels
from batch_race.errors import InputError
from batch_race.store import arrays, history
from nn.network import Floats, forward, softmax


class Classifier:
    """The trained network of a finished run.

    Parameters
    ----------
    run : Path
        Its folder, results/train/<dataset>/<run>/<budget>.

    Attributes
    ----------
    training_data : Description
        Of the dataset that the network was trained on.

    Raises
    ------
    InputError
        If a file of the run is missing or damaged, or its weights are not those of a network for
        its images and classes.
    """

    def __init__(self, run: Path) -> None:
        path = run / "weights.npz"
        self._weights = arrays.read_weights(path)
        metadata = history.read_metadata(run / "history.parquet")
        self._factor, self._offset = map(np.float32, metadata["pixel_scaling"])
        data = self.training_data = Description(**metadata["training_data"])
        found = len(self._weights.w1) - 1, self._weights.w2.shape[1]
        expected = data.height * data.width, len(data.classes)
        if found != expected:
            raise InputError(
                f"{path}: found a network of {found[0]:,} inputs and {found[1]:,} classes, "
                f"expected {expected[0]:,} and {expected[1]:,}, as history.parquet says"
            )

    def probabilities(self, pixels: Pixels) -> Floats:
        """Return the probability that each image is of each class.

        Parameters
        ----------
        pixels : ndarray of uint8, shape (n_images, n_inputs)
            Images like those of the training data.

        Returns
        -------
        ndarray of float64, shape (n_images, n_classes)
        """
        x = pixels * self._factor + self._offset
        # In float32 the probability of a misclassified image's true class could be 0.
        return softmax(forward(x, self._weights)[1].astype(np.float64))
