"""What the forms of original files have in common."""

import hashlib
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from batch_race.data.content import describe, format_shape
from batch_race.errors import InputError
from batch_race.texts import is_plain, quote

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

TEST_DIVISOR = 7
"""Of each class, one in so many images is a test image where the files have no test set. It is
MNIST's proportion: 10,000 of 70,000."""

SPLIT_SEED = 0

MAX_LETTERS = 100
"""Of the name of a class."""

log = logging.getLogger(__name__)


class Part(NamedTuple):
    """The training or the test set.

    Attributes
    ----------
    images : ndarray of uint8, shape (n_images, height, width)
    labels : ndarray of int64, shape (n_images,)
    """

    images: Images
    labels: Labels


class Originals(ABC):
    """A dataset's original files."""

    @property
    @abstractmethod
    def files(self) -> tuple[str, ...]:
        """The paths of all files that the arrays depend on."""

    @abstractmethod
    def parts(self) -> Iterator[Part]:
        """Read the training set, then the test set; or one set, which `read` splits.

        Raises
        ------
        InputError
            If a file is not what it should be.
        """

    def class_names(self) -> dict[int, str]:
        """Return the name of each label, where the files give names."""
        return {}


class Summary(NamedTuple):
    """What a dataset's identity and its runs need to know of it.

    Attributes
    ----------
    digest : str
        SHA-256 of the arrays and the classes' names, whatever form of files they come from.
    train_count, test_count : int
        Number of images.
    """

    digest: str
    train_count: int
    test_count: int


class Digest:
    """The digest of a dataset's arrays, computed part by part."""

    def __init__(self, class_names: dict[int, str]) -> None:
        self._hash = hashlib.sha256(json.dumps(class_names, sort_keys=True).encode())

    def update(self, part: Part) -> None:
        """Add the training set, then the test set."""
        for array, dtype in ((part.images, "u1"), (part.labels, "<i8")):
            self._hash.update(repr(array.shape).encode())
            self._hash.update(np.ascontiguousarray(array, dtype).data)

    def hexdigest(self) -> str:
        """Return the SHA-256 of what was added."""
        return self._hash.hexdigest()


def read(originals: Originals) -> Iterator[Part]:
    """Read the training set, then the test set.

    A single set is split: of each class, one in `TEST_DIVISOR` images, but at least one of two or
    more, is drawn for the test set, with the seed `SPLIT_SEED`.

    Parameters
    ----------
    originals : Originals

    Yields
    ------
    Part

    Raises
    ------
    InputError
        If a file is not what it should be.
    """
    parts = originals.parts()
    train = next(parts)
    test = next(parts, None)
    if test is None:
        train, test = _split(train, originals)
        log.info(
            "no test set: %s of each class (seed %d) are test images, %d in all",
            f"one in {TEST_DIVISOR}",
            SPLIT_SEED,
            len(test.labels),
        )
    yield train
    yield test


def summarize(originals: Originals) -> Summary:
    """Read all files, and compute a dataset's digest and sizes.

    Raises
    ------
    InputError
        If a file is not what it should be.
    """
    names = originals.class_names()
    for name in names.values():
        if not 0 < len(name) <= MAX_LETTERS or not is_plain(name):
            raise InputError(
                f"found {quote(name)} as the name of a class, expected 1 to {MAX_LETTERS} "
                "characters and no control characters"
            )
    digest = Digest(names)
    counts = []
    for part in read(originals):
        digest.update(part)
        counts.append(len(part.labels))
    return Summary(digest.hexdigest(), *counts)


def as_pixels(source: object, array: npt.NDArray[Any]) -> Images:
    """Return an array of whole numbers from 0 to 255 as uint8.

    Raises
    ------
    InputError
        If it has other values. The message begins with `source`.
    """
    if array.dtype == np.uint8:
        return array
    if not np.issubdtype(array.dtype, np.integer):
        raise InputError(f"{source}: found {array.dtype}, expected whole numbers from 0 to 255")
    lowest, highest = array.min(), array.max()
    if lowest < 0 or highest > 255:
        raise InputError(f"{source}: found {lowest} to {highest}, expected 0 to 255")
    return array.astype(np.uint8)


def as_labels(source: object, array: npt.NDArray[Any]) -> Labels:
    """Return an array of labels as int64, one for each image.

    Parameters
    ----------
    source : object
        A file, for the message.
    array : ndarray, shape (n_images,) or (n_images, 1)

    Raises
    ------
    InputError
        If there is no label, or not one whole number for each image.
    """
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(
            f"{source}: found the shape {format_shape(array.shape)}, "
            "expected a label for each image"
        )
    if len(array) == 0:
        raise InputError(f"{source}: found no label, expected at least one")
    if not np.issubdtype(array.dtype, np.integer):
        raise InputError(f"{source}: found labels of {array.dtype}, expected whole numbers")
    return array.astype(np.int64)


def read_mapping(path: Path) -> dict[int, str]:
    """Return the characters of each label, as "a" or "Aa".

    Parameters
    ----------
    path : Path
        EMNIST's mapping: lines of a label and the codes of its characters.

    Raises
    ------
    InputError
        If it is another file.
    """
    names = {}
    try:
        for line in path.read_text("ascii").splitlines():
            label, *codes = (int(number) for number in line.split())
            names[label] = "".join(map(chr, codes))
    except (OSError, OverflowError, ValueError) as error:  # UnicodeDecodeError is a ValueError
        raise InputError(
            f"{path}: found {describe(path)}, expected lines of a label and the codes of its "
            "characters"
        ) from error
    return names


def _split(whole: Part, originals: Originals) -> tuple[Part, Part]:
    # Its numbers are the same with every version of NumPy, those of a Generator need not be.
    random = np.random.RandomState(SPLIT_SEED)
    is_test = np.zeros(len(whole.labels), dtype=bool)
    for label in np.unique(whole.labels):
        members = random.permutation(np.flatnonzero(whole.labels == label))
        if len(members) > 1:
            is_test[members[: max(1, round(len(members) / TEST_DIVISOR))]] = True
    if not is_test.any():
        raise InputError(
            f"{originals.files[0]}: found no class with two images and no test set, "
            "expected one of the two"
        )
    train, test = (Part(whole.images[each], whole.labels[each]) for each in (~is_test, is_test))
    return train, test
