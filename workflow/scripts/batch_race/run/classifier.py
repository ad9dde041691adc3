"""Classification of images by the trained network of a finished run."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from batch_race.data.description import Description
from batch_race.errors import InputError
from batch_race.store import arrays, history
from batch_race.texts import is_plain, quote
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
        If a file of the run is missing or damaged, its weights are not those of a network for its
        images and classes or not finite, or the name of a class has control characters.
    """

    def __init__(self, run: Path) -> None:
        path, history_path = run / "weights.npz", run / "history.parquet"
        self._weights = arrays.read_weights(path)
        metadata = history.read_metadata(history_path)
        try:
            self._factor, self._offset = map(np.float32, metadata["pixel_scaling"])
            data = self.training_data = Description(**metadata["training_data"])
            harmful = [name for name in data.classes if not is_plain(name)]
        except (TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{history_path}: found metadata of another form ({error}), expected pixel_scaling "
                "and training_data"
            ) from error
        if harmful:
            raise InputError(
                f"{history_path}: found the class {quote(harmful[0])}, expected names without "
                "control characters"
            )
        found = len(self._weights.w1) - 1, self._weights.w2.shape[1]
        expected = data.height * data.width, len(data.classes)
        if found != expected:
            raise InputError(
                f"{path}: found a network of {found[0]:,} inputs and {found[1]:,} classes, "
                f"expected {expected[0]:,} and {expected[1]:,}, as history.parquet says"
            )
        if not all(np.isfinite(layer).all() for layer in self._weights):
            raise InputError(
                f"{path}: found weights that are not finite, as of a run that diverged, expected "
                "finite ones"
            )

    def probabilities(self, pixels: npt.NDArray[np.uint8]) -> Floats:
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
