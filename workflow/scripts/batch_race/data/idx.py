"""Reading and writing the idx format, in which MNIST and similar datasets are published.

Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits",
section "The IDX file format": two zero bytes, a byte for the type (8 is unsigned byte), a byte
for the number of dimensions, each dimension as a big-endian 32-bit integer, then the data in
row-major order. Only unsigned bytes are read and written here: all of these datasets have them.
"""

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt
import psutil

from batch_race.errors import InputError

UNSIGNED_BYTE = 8


class IdxError(InputError):
    """A file is not the expected idx file; the message names it."""


def read(path: Path, shape: tuple[int | None, ...]) -> npt.NDArray[np.uint8]:
    """Read an idx file of unsigned bytes, gzipped or not.

    The header is checked against `shape` and the machine's free memory before any data is
    unpacked, and no more is unpacked than it announces: a false header, or a small archive of a
    huge file, costs no memory.

    Parameters
    ----------
    path : Path
        The file; gzipped if it begins with gzip's magic number.
    shape : tuple of int or None
        The expected shape; None allows any size of a dimension.

    Returns
    -------
    ndarray of uint8
        The data, with the shape that the header gives.

    Raises
    ------
    IdxError
        If the file is not an idx file of unsigned bytes with that shape and exactly the number
        of bytes that its header announces, or if it does not fit the free memory.
    """
    with _opened(path) as file:
        return _read(file, path, shape)


def read_shape(path: Path) -> tuple[int, ...]:
    """Read the shape of an idx file, without its data.

    Parameters
    ----------
    path : Path
        The file, gzipped or not.

    Returns
    -------
    tuple of int

    Raises
    ------
    IdxError
        If the file does not begin with the header of an idx file of unsigned bytes.
    """
    with _opened(path) as file:
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


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if is_gzip:
                with gzip.open(raw) as unpacked:
                    yield cast(BinaryIO, unpacked)
            else:
                yield raw
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise IdxError(
            f"{path}: found a damaged or truncated gzip file ({error}), expected a complete one"
        ) from error
    except OSError as error:
        raise IdxError(f"{path}: cannot be read: {error.strerror or error}") from error


def _read(file: BinaryIO, path: Path, expected: tuple[int | None, ...]) -> npt.NDArray[np.uint8]:
    shape = _read_header(file, path)
    if len(shape) != len(expected):
        raise IdxError(
            f"{path}: found {len(shape)} dimension(s), {_format(shape)}, "
            f"expected {len(expected)}, {_format(expected)}"
        )
    if any(want not in (None, found) for found, want in zip(shape, expected, strict=True)):
        raise IdxError(f"{path}: found the shape {_format(shape)}, expected {_format(expected)}")
    if 0 in shape:
        raise IdxError(f"{path}: found the shape {_format(shape)}, expected no dimension of 0")
    size = math.prod(shape)
    free = psutil.virtual_memory().available
    if size > free:
        raise IdxError(
            f"{path}: found the shape {_format(shape)}, {size:,} bytes, "
            f"expected at most the {free:,} bytes of free memory"
        )
    data = _read_at_most(file, size + 1)
    if len(data) != size:
        found = "more" if len(data) > size else f"{len(data):,}"
        raise IdxError(
            f"{path}: found {found} bytes of data, expected {size:,} for the shape {_format(shape)}"
        )
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)


def _read_header(file: BinaryIO, path: Path) -> tuple[int, ...]:
    magic = file.read(4)
    if len(magic) < 4:
        raise IdxError(
            f"{path}: found {len(magic)} bytes, expected at least the 4 of an idx header"
        )
    zeros, kind, dimensions = struct.unpack(">HBB", magic)
    if zeros != 0 or dimensions == 0:
        raise IdxError(
            f"{path}: found the magic number {magic.hex()}, expected that of an idx file"
        )
    if kind != UNSIGNED_BYTE:
        raise IdxError(f"{path}: found the data type {kind}, expected 8 (unsigned byte)")
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise IdxError(
            f"{path}: found a header that ends early, expected {dimensions} dimension(s) in it"
        )
    return struct.unpack(f">{dimensions}I", sizes)


def _read_at_most(file: BinaryIO, limit: int) -> bytearray:
    # In chunks: a header that announces gigabytes before a short body must not allocate them.
    data = bytearray()
    while len(data) < limit and (chunk := file.read(min(limit - len(data), 1 << 20))):
        data += chunk
    return data


def _format(shape: tuple[int | None, ...]) -> str:
    sizes = ["any" if size is None else f"{size:,}" for size in shape]
    return "×".join(sizes if len(sizes) <= 5 else [*sizes[:5], "…"])
