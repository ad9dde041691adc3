"""Pictures converted to the format of MNIST's images."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from batch_race.data import idx
from batch_race.errors import InputError

SIDE = 28
"""Side of an MNIST image in pixels."""

BOX = 20
"""Side in pixels of the square that MNIST's digits were scaled to fit, before their centre of mass
was put in the middle of the image (LeCun, Cortes and Burges, "The MNIST database")."""

Pixels = npt.NDArray[np.uint8]


def read(path: Path) -> Pixels:
    """Read the images of a file.

    Parameters
    ----------
    path : Path
        An idx file of images, gzipped or not, which are not changed; or a picture that Pillow can
        read, which is converted to MNIST's format.

    Returns
    -------
    ndarray of uint8, shape (n_images, n_pixels)
        White on black, 0 to 255; a picture has 784 pixels.

    Raises
    ------
    InputError
        If the file is missing or neither of these.
    """
    if "ubyte" in path.name:
        images = idx.read(path, (None, None, None))
        return images.reshape(len(images), -1)
    try:
        with Image.open(path) as picture:
            grey = np.asarray(picture.convert("L"))
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: found no such file, expected a picture or an idx file"
        ) from error
    except (OSError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: expected a picture or an idx file, found {error}") from error
    return as_mnist(grey).reshape(1, -1)


def as_mnist(grey: Pixels) -> Pixels:
    """Convert a picture of one digit to MNIST's format.

    Parameters
    ----------
    grey : ndarray of uint8, shape (height, width)

    Returns
    -------
    ndarray of uint8, shape (28, 28)
        White on black, scaled and centred as MNIST's digits are. A picture of 28 by 28 pixels is
        inverted if it is black on white, and not changed otherwise.
    """
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    digit = 255 - grey if np.median(border) > 127 else grey
    if digit.shape == (SIDE, SIDE):
        return digit
    rows, columns = np.nonzero(digit > 127)
    if len(rows) == 0:
        return np.zeros((SIDE, SIDE), dtype=np.uint8)
    cut = digit[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = BOX / max(cut.shape)
    height, width = (max(1, round(length * scale)) for length in cut.shape)
    small = np.asarray(
        Image.fromarray(cut).resize((width, height), Image.Resampling.LANCZOS), dtype=np.float64
    )
    mass = small.sum()
    centre = [
        (small.sum(axis=1 - axis) @ (np.arange(length) + 0.5)) / mass
        for axis, length in enumerate(small.shape)
    ]
    top, left = (
        int(np.clip(round(SIDE / 2 - middle), 0, SIDE - length))
        for middle, length in zip(centre, small.shape, strict=True)
    )
    framed = np.zeros((SIDE, SIDE), dtype=np.uint8)
    framed[top : top + height, left : left + width] = small
    return framed
