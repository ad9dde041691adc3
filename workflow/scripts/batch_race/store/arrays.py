"""Arrays on disk: `.npy` that can be mapped into memory, and `.npz`; never a pickle."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from batch_race.errors import InputError
from batch_race.store.files import read_bytes, replacing
from nn.network import Weights

VELOCITY = ("velocity_w1", "velocity_w2")

_MISSING = np.empty(0, dtype=np.float32)
"""Represents a missing array."""


def write(path: Path, array: npt.NDArray[Any]) -> None:
    """Write an array as `.npy`."""
    with replacing(path) as temporary:
        np.save(temporary, array, allow_pickle=False)


def open_mapped(path: Path, dtype: npt.DTypeLike, dimensions: int) -> npt.NDArray[Any]:
    """Map an array into memory, without reading it: parallel runs share one copy.

    Parameters
    ----------
    path : Path
        A `.npy` file.
    dtype : dtype
    dimensions : int
        The expected number of dimensions.

    Returns
    -------
    ndarray
        Read-only.

    Raises
    ------
    InputError
        If the file is not such an array, or needs pickle.
    """
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
            f"expected {np.dtype(dtype)} in {dimensions}"
        )
    return array


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
    """Write a sparse matrix as `.npz`: the arrays data, indices, indptr and shape."""
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
        If the file is damaged, or its arrays are not those of a matrix of uint8.
    """
    data, indices, indptr, shape = read_npz(path, "data", "indices", "indptr", "shape")
    # Compiled loops rely on all of this.
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
            f"{path}: expected the arrays of a sparse matrix, found {_first_line(error)}"
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
    return _network(path, *read_npz(path, *Weights._fields))


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
    return _network(path, *read_npz(path, *VELOCITY))


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
    weights = _network(path, w1, w2)
    return weights, _network(path, *velocity) if velocity[0].size else None, record


def read_npz(path: Path, *names: str) -> list[npt.NDArray[Any]]:
    """Read arrays of a `.npz` file, each checked against zip's checksum.

    Parameters
    ----------
    path : Path
    *names : str
        Names of the arrays.

    Returns
    -------
    list of ndarray

    Raises
    ------
    UnreadableError
        If the file cannot be read now.
    InputError
        If there is no file, or it is damaged, does not hold such arrays, or holds one that needs
        pickle.
    """
    wanted = ", ".join(names)
    # Read before it is decoded: an error of the disk is not damage.
    try:
        content = read_bytes(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: expected the arrays {wanted}, found no such file") from error
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return [arrays[name] for name in names]
    except MemoryError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy each have errors of their own for damage
        raise InputError(
            f"{path}: expected the arrays {wanted} without pickle, found {_first_line(error)}"
        ) from error


def _network(path: Path, w1: npt.NDArray[Any], w2: npt.NDArray[Any]) -> Weights:
    """Return the arrays of two layers, which must fit each other."""
    is_network = (
        w1.dtype == w2.dtype == np.float32
        and w1.ndim == w2.ndim == 2
        and w2.shape[0] == w1.shape[1] + 1
        and w1.size > 0 < w2.size
    )
    if not is_network:
        raise InputError(
            f"{path}: found {w1.dtype} of shape {w1.shape} and {w2.dtype} of shape {w2.shape}, "
            "expected float32 of shapes (1 + inputs, units) and (1 + units, classes)"
        )
    return Weights(w1, w2)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
