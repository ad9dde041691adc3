"""The classes and images of a dataset, described from its training examples.

Labels may begin anywhere: the classes are the range from the lowest to the highest training label,
and parsed labels are indices into it.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from batch_race.errors import InputError
from batch_race.store.files import replacing

MAX_CLASSES = 1000

SAMPLE = 10_000
"""Fewest images, if there are as many, from which background and side are taken."""

MAJORITY = 0.95
"""The fraction of images that must have a background for a dataset to have it."""

MIDDLE = 127
"""The grey level above which a pixel is light."""

Background = Literal["dark", "light", "mixed"]
Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.integer[Any]]


class Description(NamedTuple):
    """What the images of a dataset are, and what their labels mean.

    Attributes
    ----------
    classes : sequence of str
        The name of each class: its label where no other name is known.
    height, width : int
        Of each image, in pixels.
    background : {"dark", "light", "mixed"}
        `mixed` if neither the one nor the other is nearly every image's; photographs, for example.
    side : int
        The longer side of the drawing in an image, in pixels: the median.
    """

    classes: Sequence[str]
    height: int
    width: int
    background: Background
    side: int


def label_range(labels: Labels, source: object) -> range:
    """Return the labels of all classes.

    Parameters
    ----------
    labels : ndarray of int, shape (n_images,)
        Of the training images.
    source : object
        Their file, for the message.

    Returns
    -------
    range
        From the lowest to the highest label; those between may be missing.

    Raises
    ------
    InputError
        If they are fewer than 2 or more than `MAX_CLASSES`.
    """
    lowest, highest = int(labels.min()), int(labels.max())
    n_classes = highest - lowest + 1
    if not 2 <= n_classes <= MAX_CLASSES:
        raise InputError(
            f"{source}: found labels from {lowest} to {highest}, "
            f"expected a range of 2 to {MAX_CLASSES:,} classes"
        )
    return range(lowest, highest + 1)


def index_labels(labels: Labels, known: range, source: object) -> npt.NDArray[np.uint16]:
    """Return the index of each label in the range of the training labels.

    Parameters
    ----------
    labels : ndarray of int, shape (n_images,)
    known : range
        As `label_range` gives it.
    source : object
        The labels' file, for the message.

    Returns
    -------
    ndarray of uint16, shape (n_images,)

    Raises
    ------
    InputError
        If a label is not in the range.
    """
    for label in (int(labels.min()), int(labels.max())):
        if label not in known:
            raise InputError(
                f"{source}: found the label {label}, expected {known[0]} to {known[-1]}, "
                "the range of the training labels"
            )
    # In 64 bits, where no difference of labels overflows.
    return (labels.astype(np.int64) - known[0]).astype(np.uint16)


def describe(images: Images, known: range, names: Mapping[int, str]) -> Description:
    """Describe a dataset.

    Parameters
    ----------
    images : ndarray of uint8, shape (n_images, height, width)
        The training images.
    known : range
        As `label_range` gives it.
    names : mapping of int to str
        The name of each label, where it has one. Several labels of one name are told apart.

    Returns
    -------
    Description
    """
    named = [names.get(label, str(label)) for label in known]
    times = Counter(named)
    classes = [
        name if times[name] == 1 else f"{name} (label {label})"
        for label, name in zip(known, named, strict=True)
    ]
    some = images[:: max(1, len(images) // SAMPLE)]
    ground = background(some)
    side = _side(some <= MIDDLE if ground == "light" else some > MIDDLE)
    _, height, width = images.shape
    return Description(classes, height, width, ground, side)


def background(images: Images) -> Background:
    """Return the background of images, by the median of the pixels at each image's border.

    Parameters
    ----------
    images : ndarray of uint8, shape (n_images, height, width)

    Returns
    -------
    {"dark", "light", "mixed"}
        `mixed` if fewer than `MAJORITY` of the images agree.
    """
    edges = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
    light = float(np.mean(np.median(np.concatenate(edges, axis=1), axis=1) > MIDDLE))
    if max(light, 1 - light) < MAJORITY:
        return "mixed"
    return "light" if light > 0.5 else "dark"


def _side(is_drawn: npt.NDArray[np.bool_]) -> int:
    """Return the median of the longer side of what is drawn in each image."""
    sides = []
    for axis in (1, 2):
        lines: npt.NDArray[np.bool_] = np.any(is_drawn, axis=axis)
        length = lines.shape[1]
        # From the first to the last line in which something is drawn.
        extent = length - lines.argmax(axis=1) - lines[:, ::-1].argmax(axis=1)
        sides.append(np.where(lines.any(axis=1), extent, 0))
    longer = np.maximum(*sides)
    drawn = longer[longer > 0]
    return round(float(np.median(drawn))) if drawn.size else max(is_drawn.shape[1:])


def write(path: Path, description: Description) -> None:
    """Write a description as JSON."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(description._asdict(), indent=2) + "\n", encoding="utf-8")


def read(path: Path) -> Description:
    """Read a description that `write` wrote."""
    return Description(**json.loads(path.read_text(encoding="utf-8")))
