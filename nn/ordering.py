"""An order of the images' columns that lets an image end early.

Most pixels of a digit are zero, and a product with zero adds nothing. With the columns ordered by
how often they are not zero, the rare ones stand last, and each image needs only a prefix of them.
"""

import numpy as np
import numpy.typing as npt

from nn.network import Integers

Pixels = npt.NDArray[np.uint8]


def column_order(images: Pixels) -> Integers:
    """Order the columns by how often they are not zero, most often first.

    Parameters
    ----------
    images : ndarray of uint8, shape (n_examples, n_inputs)

    Returns
    -------
    ndarray of int, shape (n_inputs,)
        The columns; those that are equally often not zero keep their order.
    """
    counts = np.count_nonzero(images, axis=0)
    return np.argsort(-counts, kind="stable")


def prefix_lengths(images: Pixels) -> npt.NDArray[np.int32]:
    """Tell how many columns of each image come before its last run of zeros.

    Parameters
    ----------
    images : ndarray of uint8, shape (n_examples, n_inputs)

    Returns
    -------
    ndarray of int32, shape (n_examples,)
        From 0, an image without a pixel, to n_inputs.
    """
    n_inputs = images.shape[1]
    is_set = images[:, ::-1] != 0
    lengths = n_inputs - is_set.argmax(axis=1)
    lengths[~is_set.any(axis=1)] = 0
    return np.asarray(lengths, dtype=np.int32)
