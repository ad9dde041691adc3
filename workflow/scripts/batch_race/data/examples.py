"""The parsed and prepared arrays of a dataset, opened for training and evaluation."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from batch_race.store import arrays
from nn.examples import Examples
from nn.ordering import Arranged


def open_images(path: Path) -> npt.NDArray[np.uint8]:
    """Map parsed images, or the dense columns of prepared ones, into memory.

    Parameters
    ----------
    path : Path
        A `.npy` file of uint8.

    Returns
    -------
    ndarray of uint8, shape (n_examples, n_inputs)

    Raises
    ------
    InputError
        If the file is not such an array.
    """
    return arrays.open_mapped(path, np.uint8, 2)


def open_labels(path: Path) -> npt.NDArray[np.uint16]:
    """Map parsed labels into memory.

    Parameters
    ----------
    path : Path
        A `.npy` file of uint16.

    Returns
    -------
    ndarray of uint16, shape (n_examples,)
        The indices of the classes.

    Raises
    ------
    InputError
        If the file is not such an array.
    """
    return arrays.open_mapped(path, np.uint16, 1)


def open_examples(paths: Mapping[str, Path], part: str) -> Examples:
    """Open one part of a dataset: map its images into memory, read the small arrays.

    Parameters
    ----------
    paths : mapping of str to Path
        The files of `columns`, and of the part's `_images`, `_labels`, `_dense` and `_sparse`.
    part : {"train", "test"}

    Returns
    -------
    nn.examples.Examples
        With unscaled pixels.

    Raises
    ------
    InputError
        If a file is not such an array.
    """
    return Examples(
        images=open_images(paths[f"{part}_images"]),
        labels=open_labels(paths[f"{part}_labels"]),
        arranged=open_arranged(paths, part),
    )


def open_arranged(paths: Mapping[str, Path], part: str) -> Arranged:
    """Open the output of the rule `prepare` for one part of a dataset.

    Parameters
    ----------
    paths : mapping of str to Path
        The files of `columns`, and of the part's `_dense` and `_sparse`.
    part : {"train", "test"}

    Returns
    -------
    nn.ordering.Arranged

    Raises
    ------
    InputError
        If a file is not such an array.
    """
    return Arranged(
        columns=arrays.open_mapped(paths["columns"], np.intp, 1),
        dense=open_images(paths[f"{part}_dense"]),
        sparse=arrays.read_sparse(paths[f"{part}_sparse"]),
    )
