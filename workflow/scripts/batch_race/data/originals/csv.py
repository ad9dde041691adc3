"""Tables of labels and pixels, such as Kaggle's train.csv: an image in each line."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from batch_race.data.content import check_shape, describe, unpacked
from batch_race.data.originals.form import Images, Labels, Originals, Part, as_labels, read_mapping
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
    def named_label(self) -> int | None:
        """The index of the column that the header names label or class."""
        found = (index for index, name in enumerate(self.names) if name.lower() in LABEL_NAMES)
        return next(found, None)


class Table(Originals):
    """A table of training images, and one of test images if there is one.

    Parameters
    ----------
    train : Path
    test : Path or None
    is_transposed : bool
        Whether pixels are in column-major order, as EMNIST's are.
    mapping : Path or None
        EMNIST's file of the characters of each label.
    """

    def __init__(
        self, train: Path, test: Path | None, is_transposed: bool, mapping: Path | None
    ) -> None:
        self._tables = [train] if test is None else [train, test]
        self._is_transposed = is_transposed
        self._mapping = mapping

    @property
    def files(self) -> tuple[str, ...]:
        """The tables, and the file of the characters."""
        return tuple(map(str, [*self._tables, *([self._mapping] if self._mapping else [])]))

    def parts(self) -> Iterator[Part]:
        """Read the table of training images, then that of test images."""
        shape: tuple[int | None, ...] = (None, None)
        for path in self._tables:
            images, labels = _read(path)
            check_shape(path, images.shape, (len(labels), *shape))
            shape = images.shape[1:]
            yield Part(images.transpose(0, 2, 1) if self._is_transposed else images, labels)

    def class_names(self) -> dict[int, str]:
        """Return the characters of each label from EMNIST's mapping."""
        return {} if self._mapping is None else read_mapping(self._mapping)


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


def has_labels(test: Path, train: Path) -> bool:
    """Return whether a table of test images has labels as that of training images has.

    Kaggle's have none: the column is missing, or has another name.
    """
    found, expected = read_columns(test), read_columns(train)
    if found is None or expected is None:
        return True
    is_named_otherwise = (
        bool(found.names) and found.named_label is None and expected.named_label is not None
    )
    return found.n_columns != expected.n_columns - 1 and not is_named_otherwise


def _read(path: Path) -> tuple[Images, Labels]:
    import polars as pl  # not needed to plan

    columns = read_columns(path)
    if columns is None:
        raise InputError(f"{path}: found {describe(path)}, expected lines of a label and pixels")
    height, width = _size(path, columns)
    schema = {f"column {1 + index}": pl.UInt8() for index in range(columns.n_columns)}
    label = list(schema)[columns.named_label or 0]
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
                f"{path}: found a line with a missing value, expected a label and "
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
