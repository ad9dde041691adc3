"""What a file is, recognised by its first bytes, and reading a file gzipped or not."""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import psutil
from PIL import Image

from batch_race.errors import InputError
from batch_race.store.files import open_regular

HEAD_BYTES = 4096
"""Of a file, enough to recognise it."""

PICTURE_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""Pillow's names of the formats that are read; for some others it starts other programs."""

_BEGINNINGS = {
    b"%PDF-": "a PDF",
    b"%!PS": "a PostScript file",
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "an empty zip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\0": "an xz archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"MATLAB 5.0": "a MATLAB file",
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3\0": "an SQLite database",
    b"\x93NUMPY": "a NumPy array (.npy)",
    b"\x80\x02": "a Python pickle",
    b"\x80\x03": "a Python pickle",
    b"\x80\x04": "a Python pickle",
    b"\x80\x05": "a Python pickle",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself",
}


def describe(path: Path) -> str:
    """Return what a file is, as "an HTML page" or "a PNG picture".

    Parameters
    ----------
    path : Path

    Returns
    -------
    str
        With an article; "of an unknown form" and the first bytes if nothing is recognised.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    if path.is_dir():
        return "a folder"
    try:
        head = read_head(path)
    except InputError:
        if path.is_file():
            return "a damaged or truncated gzip file"
        raise
    with open_regular(path) as file:
        is_gzipped = _is_gzip(file)
    return _describe(head) + (", gzipped" if is_gzipped else "")


def read_head(path: Path) -> bytes:
    """Return the first bytes of a file, unpacked if it is gzipped.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    with unpacked(path) as file:
        return file.read(HEAD_BYTES)


@contextmanager
def unpacked(path: Path) -> Iterator[BinaryIO]:
    """Open a file; unpack it while it is read if it begins with gzip's magic number.

    Raises
    ------
    InputError
        If the file cannot be read, or is a damaged or truncated gzip file.
    """
    try:
        with open_regular(path) as raw:
            if _is_gzip(raw):
                with gzip.open(raw) as file:
                    yield cast(BinaryIO, file)
            else:
                yield raw
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise InputError(
            f"{path}: found a damaged or truncated gzip file ({error}), expected a complete one"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def is_idx(head: bytes) -> bool:
    """Return whether a file's first bytes are those of an idx file, of any of its data types."""
    return len(head) >= 4 and head[:2] == b"\0\0" and 8 <= head[2] <= 14 and head[3] > 0


def check_shape(source: object, found: tuple[int, ...], expected: tuple[int | None, ...]) -> None:
    """Check the shape of an array; None allows any size of a dimension but 0.

    Raises
    ------
    InputError
        If the shape is another one. The message begins with `source`.
    """
    if len(found) != len(expected):
        raise InputError(
            f"{source}: found {len(found)} dimension(s), {format_shape(found)}, "
            f"expected {len(expected)}, {format_shape(expected)}"
        )
    if any(want not in (None, size) for size, want in zip(found, expected, strict=True)):
        raise InputError(
            f"{source}: found the shape {format_shape(found)}, expected {format_shape(expected)}"
        )
    if 0 in found:
        raise InputError(
            f"{source}: found the shape {format_shape(found)}, expected no dimension of 0"
        )


def check_memory(source: object, shape: tuple[int, ...], n_bytes: int) -> None:
    """Check that an array fits the free memory.

    Raises
    ------
    InputError
        If it does not. The message begins with `source`.
    """
    free = psutil.virtual_memory().available
    if n_bytes > free:
        raise InputError(
            f"{source}: found the shape {format_shape(shape)}, {n_bytes:,} bytes, "
            f"expected at most the {free:,} bytes of free memory"
        )


def format_shape(shape: tuple[int | None, ...]) -> str:
    """Return a shape as text, such as 60,000×28×28."""
    sizes = ["any" if size is None else f"{size:,}" for size in shape]
    return "×".join(sizes if len(sizes) <= 5 else [*sizes[:5], "…"])


def _is_gzip(file: BinaryIO) -> bool:
    head = file.read(2)
    file.seek(0)
    return head == b"\x1f\x8b"


def _describe(head: bytes) -> str:
    if not head:
        return "an empty file"
    for beginning, name in _BEGINNINGS.items():
        if head.startswith(beginning):
            return name
    if is_idx(head):
        return f"an idx file with {head[3]} dimension(s)"
    if head[257:262] == b"ustar":
        return "a tar archive"
    if picture := _picture_format(head):
        return f"a {picture} picture"
    start = head[:100].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if start.startswith(b"<"):
        return "an XML or HTML page"
    if _is_text(head):
        return "a text file"
    return f"a file of an unknown form, beginning with {head[:4].hex()}"


def _picture_format(head: bytes) -> str:
    """Return the name of a picture's format, or "" if it is none of `PICTURE_FORMATS`."""
    Image.init()
    for name in PICTURE_FORMATS:
        accepts = Image.OPEN[name][1]
        if accepts is not None and accepts(head[:16]) is True:
            return name
    return ""


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # the end may cut a letter
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter in "\t\r\n\f" for letter in text)
