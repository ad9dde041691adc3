"""Orders of the images and of their columns that let an image end early.

Most pixels of a digit are zero, and a product with zero adds nothing. With the columns ordered by
how often they are not zero, the rare ones stand last, and each image needs only a prefix of them.
Images that need about as much are worked on together.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nn.network import Integers

Pixels = npt.NDArray[np.uint8]


class Arranged(NamedTuple):
    """Images as an engine likes them.

    Attributes
    ----------
    images : ndarray of uint8, shape (n_examples, n_inputs)
        With the columns in order.
    lengths : ndarray of int32, shape (n_examples,)
        See `prefix_lengths`.
    order : ndarray of int, shape (n_examples,)
        See `longest_first`.
    """

    images: Pixels
    lengths: npt.NDArray[np.int32]
    order: Integers


def arrange(images: Pixels, columns: Integers) -> Arranged:
    """Order the columns of images, and tell what else an engine needs to know.

    Parameters
    ----------
    images : ndarray of uint8, shape (n_examples, n_inputs)
    columns : ndarray of int, shape (n_inputs,)
        From `column_order`, of the training images for test images too.

    Returns
    -------
    Arranged
    """
    ordered = np.ascontiguousarray(images[:, columns])
    lengths = prefix_lengths(ordered)
    return Arranged(ordered, lengths, longest_first(lengths))


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


def longest_first(lengths: Integers) -> npt.NDArray[np.intp]:
    """Order images by how much of them is needed.

    Parameters
    ----------
    lengths : ndarray of int, shape (n_examples,)

    Returns
    -------
    ndarray of int, shape (n_examples,)
        The images' indices, that of the longest first; equally long ones keep their order.
    """
    return np.argsort(-lengths, kind="stable")
