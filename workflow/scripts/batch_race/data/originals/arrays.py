"""Four arrays of images and labels, in idx or `.npz` files."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from batch_race.data import idx
from batch_race.data.content import check_shape
from batch_race.data.originals import npz
from batch_race.data.originals.form import (
    Images,
    Labels,
    Originals,
    Part,
    as_labels,
    as_pixels,
    read_mapping,
)
from batch_race.errors import InputError

QMNIST_COLUMNS = 8
"""Of QMNIST's labels, the first of which is the class; the others say who wrote the digit."""


class Source(NamedTuple):
    """An array in a file.

    Attributes
    ----------
    path : Path
    member : str
        The array's name in a `.npz` file; empty for an idx file.
    shape : tuple of int
        Of the array.
    """

    path: Path
    member: str
    shape: tuple[int, ...]

    @property
    def is_images(self) -> bool:
        """Whether it has images; the others have labels."""
        return len(self.shape) >= 3

    def __str__(self) -> str:
        return f"{self.path}, {self.member}" if self.member else str(self.path)


class Arrays(Originals):
    """Images and labels, for training and for testing.

    Parameters
    ----------
    sources : mapping of str to Source
        Of train_images, train_labels, test_images and test_labels.
    is_transposed : bool
        Whether images are in column-major order, as EMNIST's are.
    mapping : Path or None
        EMNIST's file of the characters of each label.
    """

    def __init__(
        self, sources: Mapping[str, Source], is_transposed: bool, mapping: Path | None
    ) -> None:
        self._sources = sources
        self._is_transposed = is_transposed
        self._mapping = mapping

    @property
    def files(self) -> tuple[str, ...]:
        """The files of the arrays, and that of the characters."""
        paths = [source.path for source in self._sources.values()]
        return tuple(dict.fromkeys(map(str, [*paths, *([self._mapping] if self._mapping else [])])))

    def parts(self) -> Iterator[Part]:
        """Read the training set, then the test set."""
        shape: tuple[int | None, ...] = (None, None)
        for name in ("train", "test"):
            labels = _read_labels(self._sources[f"{name}_labels"])
            images = _read_images(self._sources[f"{name}_images"], (len(labels), *shape))
            shape = images.shape[1:]
            yield Part(images.transpose(0, 2, 1) if self._is_transposed else images, labels)

    def class_names(self) -> dict[int, str]:
        """Return the characters of each label from EMNIST's mapping."""
        return {} if self._mapping is None else read_mapping(self._mapping)


def _read_images(source: Source, shape: tuple[int | None, ...]) -> Images:
    if not source.member:
        return idx.read(source.path, shape)
    images = as_pixels(source, npz.read(source.path, source.member))
    check_shape(source, images.shape, shape)
    return images


def _read_labels(source: Source) -> Labels:
    if source.member:
        return as_labels(source, npz.read(source.path, source.member))
    kind, shape = idx.read_header(source.path)
    if shape[0] == 0:
        raise InputError(f"{source}: found no label, expected at least one")
    labels = idx.read(source.path, (None,) * len(shape), kind)
    if labels.ndim == 2 and labels.shape[1] == QMNIST_COLUMNS and kind != idx.UNSIGNED_BYTE:
        labels = labels[:, 0]
    return as_labels(source, labels)
