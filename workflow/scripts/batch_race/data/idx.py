"""Reading and writing the idx format, in which MNIST and similar datasets are published.

Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits",
section "The IDX file format": two zero bytes, a byte for the type (8 is unsigned byte), a byte
for the number of dimensions, each dimension as a big-endian 32-bit integer, then the data in
row-major order. Images are unsigned bytes; QMNIST's labels are 32-bit integers.
"""

import gzip
import math
import struct
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from batch_race.data.content import (
    check_memory,
    check_shape,
    describe,
    format_shape,
    unpacked,
)
from batch_race.errors import InputError

UNSIGNED_BYTE = 8

DTYPES = {UNSIGNED_BYTE: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
"""NumPy's names of the format's data types."""


class Header(NamedTuple):
    """The header of an idx file: the number of its data type, and its shape."""

    kind: int
    shape: tuple[int, ...]


def read(path: Path, shape: tuple[int | None, ...], kind: int = UNSIGNED_BYTE) -> npt.NDArray[Any]:
    """Read an idx file, gzipped or not.

    The header is checked against `shape` and the machine's free memory before any data is
    unpacked, and no more is unpacked than it announces: a false header, or a small archive of a
    huge file, costs no memory.

    Parameters
    ----------
    path : Path
        The file; gzipped if it begins with gzip's magic number.
    shape : tuple of int or None
        The expected shape; None allows any size of a dimension.
    kind : int
        The expected data type, one of `DTYPES`.

    Returns
    -------
    ndarray
        The data, with the shape that the header gives; uint8 unless another `kind` is given.

    Raises
    ------
    InputError
        If the file is not an idx file of that data type and shape with exactly the number of bytes
        that its header announces, or if it does not fit the free memory.
    """
    with unpacked(path) as file:
        return _read(file, path, shape, kind)


def read_header(path: Path) -> Header:
    """Read the header of an idx file, gzipped or not.

    Raises
    ------
    InputError
        If the file does not begin with the header of an idx file.
    """
    with unpacked(path) as file:
        return _read_header(file, path)


def write(path: Path, array: npt.NDArray[np.uint8]) -> None:
    """Write unsigned bytes as an idx file, gzipped if the name ends in `.gz`.

    The same array gives the same bytes: no time stamp and no file name goes into the gzip
    header.

    Parameters
    ----------
    path : Path
        The file to write.
    array : ndarray of uint8
        The data; 1 to 255 dimensions.

    Raises
    ------
    ValueError
        If the array is not of unsigned bytes, has no dimension, or one too large for the format.
    """
    if array.dtype != np.uint8 or array.ndim < 1 or max(array.shape) >= 2**32:
        raise ValueError(
            f"idx files hold unsigned bytes with 1 to 255 dimensions below 2**32, "
            f"found {array.dtype} with shape {array.shape}"
        )
    header = struct.pack(f">HBB{array.ndim}I", 0, UNSIGNED_BYTE, array.ndim, *array.shape)
    body = header + array.tobytes()
    path.write_bytes(
        gzip.compress(body, compresslevel=6, mtime=0) if path.suffix == ".gz" else body
    )


def _read(
    file: BinaryIO, path: Path, expected: tuple[int | None, ...], kind: int
) -> npt.NDArray[Any]:
    header = _read_header(file, path)
    if header.kind != kind:
        name = " (unsigned byte)" if kind == UNSIGNED_BYTE else ""
        raise InputError(f"{path}: found the data type {header.kind}, expected {kind}{name}")
    shape = header.shape
    check_shape(path, shape, expected)
    dtype = np.dtype(DTYPES[kind])
    size = math.prod(shape) * dtype.itemsize
    check_memory(path, shape, size)
    data = _read_at_most(file, size + 1)
    if len(data) != size:
        found = "more" if len(data) > size else f"{len(data):,}"
        raise InputError(
            f"{path}: found {found} bytes of data, "
            f"expected {size:,} for the shape {format_shape(shape)}"
        )
    return np.frombuffer(data, dtype).reshape(shape)


def _read_header(file: BinaryIO, path: Path) -> Header:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES or magic[3] == 0:
        raise InputError(f"{path}: found {describe(path)}, expected an idx file")
    kind, dimensions = magic[2:]
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise InputError(
            f"{path}: found a header that ends early, expected {dimensions} dimension(s) in it"
        )
    return Header(kind, struct.unpack(f">{dimensions}I", sizes))


def _read_at_most(file: BinaryIO, limit: int) -> bytearray:
    # In chunks: a header that announces gigabytes before a short body must not allocate them.
    data = bytearray()
    while len(data) < limit and (chunk := file.read(min(limit - len(data), 1 << 20))):
        data += chunk
    return data
