"""Pictures from anywhere, brought to the form of the images that a network was trained on."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from batch_race.data import idx
from batch_race.errors import InputError

SIDE = 28

BOX = 20
"""MNIST's digits were scaled to fit a square of so many pixels, and laid with their centre of mass
in the middle of the image (LeCun, Cortes and Burges, "The MNIST database")."""

Pixels = npt.NDArray[np.uint8]


def read(path: Path) -> Pixels:
    """Read the images of a file.

    Parameters
    ----------
    path : Path
        An idx file of images, gzipped or not, which are taken as they are; or a picture that Pillow
        can read, which is brought to MNIST's form unless it is 28 by 28 pixels already.

    Returns
    -------
    ndarray of uint8, shape (n_images, n_pixels)
        White on black, 0 to 255; 784 pixels in the case of a picture.

    Raises
    ------
    InputError
        If the file is neither.
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
    """Bring a picture of one digit to MNIST's form.

    Parameters
    ----------
    grey : ndarray of uint8, shape (height, width)

    Returns
    -------
    ndarray of uint8, shape (28, 28)
        White on black, scaled and centred as MNIST's digits are. A picture of 28 by 28 pixels is
        only made white on black.
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
        int(np.clip(round(SIDE / 2 - place), 0, SIDE - length))
        for place, length in zip(centre, small.shape, strict=True)
    )
    framed = np.zeros((SIDE, SIDE), dtype=np.uint8)
    framed[top : top + height, left : left + width] = small
    return framed
