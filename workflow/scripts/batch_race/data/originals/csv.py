"""Tables of labels and pixels, such as Kaggle's train.csv: an image in each line."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from batch_race.data.content import check_shape, describe, unpacked
from batch_race.data.originals.form import Images, Labels, Originals, Part, as_labels
from batch_race.errors import InputError

CHUNK_BYTES = 1 << 25
"""Of text, parsed at once: a bound of the memory besides the arrays'."""

LABEL_NAMES = ("label", "class")

MAX_LINE_BYTES = 1 << 20

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_LINE = re.compile(rb'\s*"?-?\d+"?(\s*,\s*"?-?\d+"?){2,}\s*')


class Columns(NamedTuple):
    """The columns of a table.

    Attributes
    ----------
    names : tuple of str
        Those of the header; empty without one.
    n_columns : int
    """

    names: tuple[str, ...]
    n_columns: int

    @property
    def label(self) -> int:
        """The index of the labels' column: of the header's label or class, or the first."""
        found = [index for index, name in enumerate(self.names) if name.lower() in LABEL_NAMES]
        return found[0] if found else 0


class Table(Originals):
    """A table of training images, and one of test images if there is one.

    Parameters
    ----------
    train : Path
    test : Path or None
    is_transposed : bool
        Whether pixels are in column-major order, as EMNIST's are.
    """

    def __init__(self, train: Path, test: Path | None, is_transposed: bool) -> None:
        self._tables = [train] if test is None else [train, test]
        self._is_transposed = is_transposed

    @property
    def files(self) -> tuple[Path, ...]:
        """The tables."""
        return tuple(self._tables)

    def parts(self) -> Iterator[Part]:
        """Read the table of training images, then that of test images."""
        shape: tuple[int | None, ...] = (None, None)
        for path in self._tables:
            images, labels = _read(path)
            check_shape(path, images.shape, (len(labels), *shape))
            shape = images.shape[1:]
            yield Part(images.transpose(0, 2, 1) if self._is_transposed else images, labels)


def read_columns(path: Path) -> Columns | None:
    """Return a table's columns; None if the file is no such table.

    One of the first two lines has three or more whole numbers with commas between them.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    with unpacked(path) as file:
        first, second = (file.readline(MAX_LINE_BYTES) for _ in range(2))
    first = first.removeprefix(BYTE_ORDER_MARK)
    if _LINE.fullmatch(first):
        return Columns((), first.count(b",") + 1)
    if _LINE.fullmatch(second):
        names = tuple(name.strip(' "\r\n') for name in first.decode("latin-1").split(","))
        return Columns(names, second.count(b",") + 1)
    return None


def _read(path: Path) -> tuple[Images, Labels]:
    import polars as pl  # not needed to plan

    columns = read_columns(path)
    if columns is None:
        raise InputError(f"{path}: found {describe(path)}, expected lines of a label and pixels")
    height, width = _size(path, columns)
    schema = {f"column {1 + index}": pl.UInt8() for index in range(columns.n_columns)}
    label = list(schema)[columns.label]
    pixels = bytearray()
    labels = []
    for text in _chunks(path, has_header=bool(columns.names)):
        try:
            table = pl.read_csv(
                text, has_header=False, schema=schema | {label: pl.Int64()}, glob=False
            )
        except pl.exceptions.PolarsError as error:
            raise InputError(
                f"{path}: expected a label and {columns.n_columns - 1} pixels of 0 to 255 in each "
                f"line, found: {str(error).splitlines()[0]}"
            ) from error
        if any(series.null_count() for series in table):
            raise InputError(
                f"{path}: found a line with fewer values, expected a label and "
                f"{columns.n_columns - 1} pixels in each"
            )
        labels.append(table[label].to_numpy())
        pixels += table.drop(label).to_numpy(order="c").tobytes()
    if not labels:
        raise InputError(f"{path}: found no label, expected at least one")
    images = np.frombuffer(pixels, np.uint8).reshape(-1, height, width)
    return images, as_labels(path, np.concatenate(labels))


def _chunks(path: Path, has_header: bool) -> Iterator[bytes]:
    """Yield the lines of a file, many at once, without the header."""
    with unpacked(path) as file:
        if has_header:
            file.readline()
        elif file.read(len(BYTE_ORDER_MARK)) != BYTE_ORDER_MARK:
            file.seek(0)
        while text := file.read(CHUNK_BYTES):
            yield text + file.readline()


def _size(path: Path, columns: Columns) -> tuple[int, int]:
    """Return the images' height and width: those of the last pixel's name, or of a square."""
    count = columns.n_columns - 1
    if columns.names and (match := re.fullmatch(r"(\d+)x(\d+)", columns.names[-1])):
        height, width = (int(number) for number in match.groups())
        if height * width == count:
            return height, width
    side = math.isqrt(count)
    if side * side != count:
        raise InputError(
            f"{path}: found {count:,} pixels in a line, expected a square number, or a header "
            "from 1x1 to <height>x<width>"
        )
    return side, side
