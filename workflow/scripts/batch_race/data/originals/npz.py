"""Arrays in NumPy's `.npz` files, such as Keras's mnist.npz; never a pickle."""

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from batch_race.data.content import check_memory
from batch_race.errors import InputError
from batch_race.store.arrays import read_npz


def is_npz(path: Path) -> bool:
    """Return whether a file is a zip archive of `.npy` files alone."""
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False
    return bool(names) and all(name.endswith(".npy") for name in names)


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Read the shape of each array of a `.npz` file, without its data.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    return {name: shape for name, (shape, _) in _read_headers(path).items()}


def read(path: Path, name: str) -> npt.NDArray[Any]:
    """Read an array of a `.npz` file.

    Raises
    ------
    InputError
        If the file is damaged, or the array needs pickle or does not fit the free memory.
    """
    shape, dtype = _read_headers(path)[name]
    # The file is read whole.
    check_memory(path, shape, math.prod(shape) * dtype.itemsize + path.stat().st_size)
    return read_npz(path, name)[0]


def _read_headers(path: Path) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    headers = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                with archive.open(member) as file:
                    version = np.lib.format.read_magic(file)
                    read_header = (
                        np.lib.format.read_array_header_1_0
                        if version == (1, 0)
                        else np.lib.format.read_array_header_2_0
                    )
                    shape, _, dtype = read_header(file)
                    headers[member.removesuffix(".npy")] = (shape, dtype)
    except Exception as error:  # zipfile, zlib and NumPy each have errors of their own for damage
        raise InputError(f"{path}: expected NumPy's arrays, found {error}") from error
    return headers
