"""Arrays on disk, opened without reading them: parallel runs share one copy in memory."""

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from nn.examples import Examples
from nn.network import Weights
from workflow.scripts.common.errors import InputError
from workflow.scripts.common.files import replacing


def write(path: Path, array: npt.NDArray[Any]) -> None:
    """Write an array as `.npy`."""
    with replacing(path) as temporary:
        np.save(temporary, array, allow_pickle=False)


def write_weights(path: Path, weights: Weights) -> None:
    """Write the weights of a network as `.npz`, under the names w1 and w2."""
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, w1=weights.w1, w2=weights.w2)


def read_weights(path: Path) -> Weights:
    """Read the weights of a network.

    Parameters
    ----------
    path : Path
        A file that `write_weights` wrote.

    Returns
    -------
    Weights

    Raises
    ------
    InputError
        If the file does not hold such weights, or holds anything that needs pickle.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return Weights(arrays["w1"], arrays["w2"])
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise InputError(
            f"{path}: expected weights w1 and w2 without pickle, found {error}"
        ) from error


def open_examples(images: Path, labels: Path) -> Examples:
    """Map parsed images and their labels into memory.

    Parameters
    ----------
    images, labels : Path
        `.npy` files of uint8, shapes (n_examples, n_inputs) and (n_examples,).

    Returns
    -------
    nn.examples.Examples
        With the pixels as they are.

    Raises
    ------
    InputError
        If a file is not such an array.
    """
    return Examples(_open(images, 2), _open(labels, 1))


def _open(path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    try:
        array: npt.NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise InputError(f"{path}: expected a .npy file without pickle, found {error}") from error
    if array.dtype != np.uint8 or array.ndim != dimensions:
        raise InputError(
            f"{path}: found {array.dtype} in {array.ndim} dimension(s), "
            f"expected uint8 in {dimensions}"
        )
    return array
