"""Arrays on disk. Large ones are opened without reading them: parallel runs share one copy."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from batch_race.errors import InputError
from batch_race.store.files import replacing
from nn.examples import Examples
from nn.network import Weights
from nn.ordering import Arranged

VELOCITY = ("velocity_w1", "velocity_w2")

_MISSING = np.empty(0, dtype=np.float32)
"""Represents a missing array."""


def write(path: Path, array: npt.NDArray[Any]) -> None:
    """Write an array as `.npy`."""
    with replacing(path) as temporary:
        np.save(temporary, array, allow_pickle=False)


def write_weights(path: Path, weights: Weights, velocity: Weights | None = None) -> None:
    """Write the weights of a network as `.npz`.

    Parameters
    ----------
    path : Path
    weights : Weights
        Written as w1 and w2.
    velocity : Weights, optional
        Written as velocity_w1 and velocity_w2, where the network was trained with momentum.
    """
    named = dict(zip(VELOCITY, velocity, strict=True)) if velocity else {}
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **weights._asdict(), **named)


def write_state(
    path: Path, weights: Weights, velocity: Weights | None, record: Mapping[str, Any]
) -> None:
    """Write a network within a run as `.npz`, with a record such as its step.

    Parameters
    ----------
    path : Path
    weights : Weights
    velocity : Weights or None
    record : mapping
        Written as JSON.
    """
    named = dict(zip(VELOCITY, velocity or (_MISSING, _MISSING), strict=True))
    text = np.frombuffer(json.dumps(record).encode(), dtype=np.uint8)
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, text=text, **weights._asdict(), **named)


def write_sparse(path: Path, matrix: csr_array) -> None:
    """Write a sparse matrix as `.npz`, by its parts: data, indices, indptr and shape."""
    parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, shape=np.array(matrix.shape), **parts)


def read_sparse(path: Path) -> csr_array:
    """Read a sparse matrix.

    Parameters
    ----------
    path : Path
        A file that `write_sparse` wrote.

    Returns
    -------
    scipy.sparse.csr_array

    Raises
    ------
    InputError
        If the file is damaged, or its parts do not make a matrix of uint8.
    """
    data, indices, indptr, shape = read_npz(path, "data", "indices", "indptr", "shape")
    # Compiled loops trust all of this.
    types = [array.dtype.name for array in (data, indices, indptr)]
    if types != ["uint8", "int32", "int32"] or shape.shape != (2,):
        raise InputError(
            f"{path}: found data, indices and indptr of {', '.join(types)} in "
            f"{shape.size} dimension(s), expected uint8, int32, int32 in 2"
        )
    try:
        matrix = csr_array((data, indices, indptr), shape=tuple(shape))
        matrix.check_format(full_check=True)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path}: expected the parts of a sparse matrix, found {_first_line(error)}"
        ) from error
    return matrix


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
        If the file is damaged, or does not hold weights without pickle.
    """
    return Weights(*read_npz(path, *Weights._fields))


def read_velocity(path: Path) -> Weights:
    """Read the velocity of a network that was trained with momentum.

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
        If the file is damaged, or does not hold a velocity without pickle.
    """
    return Weights(*read_npz(path, *VELOCITY))


def read_state(path: Path) -> tuple[Weights, Weights | None, dict[str, Any]]:
    """Read a network within a run.

    Parameters
    ----------
    path : Path
        A file that `write_state` wrote.

    Returns
    -------
    weights : Weights
    velocity : Weights or None
    record : dict

    Raises
    ------
    InputError
        If the file is damaged, or does not hold such a network without pickle.
    """
    # At once: the file may be replaced meanwhile.
    w1, w2, *velocity, text = read_npz(path, *Weights._fields, *VELOCITY, "text")
    record: dict[str, Any] = json.loads(text.tobytes())
    return Weights(w1, w2), Weights(*velocity) if velocity[0].size else None, record


def read_npz(path: Path, *names: str) -> list[npt.NDArray[Any]]:
    """Read arrays of a `.npz` file, each held against zip's checksum.

    Parameters
    ----------
    path : Path
    *names : str
        Of the arrays.

    Returns
    -------
    list of ndarray

    Raises
    ------
    InputError
        If the file is damaged, does not hold such arrays, or holds one that needs pickle.
    """
    wanted = ", ".join(names[:-1]) + " and " + names[-1]
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return [arrays[name] for name in names]
    except MemoryError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{path}: expected the arrays {wanted}, found no such file") from error
    except Exception as error:  # zipfile, zlib and NumPy each have errors of their own for damage
        raise InputError(
            f"{path}: expected the arrays {wanted} without pickle, found {_first_line(error)}"
        ) from error


def open_images(path: Path) -> npt.NDArray[np.uint8]:
    """Map parsed images, or the dense part of prepared ones, into memory.

    Parameters
    ----------
    path : Path
        A `.npy` file of uint8, shape (n_examples, n_inputs).

    Returns
    -------
    ndarray of uint8

    Raises
    ------
    InputError
        If the file is not such an array.
    """
    return _open(path, np.dtype(np.uint8), 2)


def open_examples(paths: Mapping[str, Path], part: str) -> Examples:
    """Open one part of a dataset: map its images into memory, read what is small.

    Parameters
    ----------
    paths : mapping of str to Path
        The files of `columns`, and of the part's `_images`, `_labels`, `_dense` and `_sparse`.
    part : {"train", "test"}

    Returns
    -------
    nn.examples.Examples
        With the pixels as they are.

    Raises
    ------
    InputError
        If a file is not such an array.
    """
    return Examples(
        images=open_images(paths[f"{part}_images"]),
        labels=_open(paths[f"{part}_labels"], np.dtype(np.uint8), 1),
        arranged=open_arranged(paths, part),
    )


def open_arranged(paths: Mapping[str, Path], part: str) -> Arranged:
    """Open what the rule `prepare` makes of one part's images.

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
        columns=_open(paths["columns"], np.dtype(np.intp), 1),
        dense=open_images(paths[f"{part}_dense"]),
        sparse=read_sparse(paths[f"{part}_sparse"]),
    )


def _open(path: Path, dtype: "np.dtype[Any]", dimensions: int) -> npt.NDArray[Any]:
    try:
        array: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except MemoryError:
        raise
    except Exception as error:  # NumPy has many for a damaged header
        raise InputError(
            f"{path}: expected a .npy file without pickle, found {_first_line(error)}"
        ) from error
    if array.dtype != dtype or array.ndim != dimensions:
        raise InputError(
            f"{path}: found {array.dtype} in {array.ndim} dimension(s), "
            f"expected {dtype} in {dimensions}"
        )
    return array


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
