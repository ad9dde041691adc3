"""Pictures converted to images like those that a network was trained on."""

import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageCms, ImageOps, ImageSequence, UnidentifiedImageError

from batch_race.data import idx
from batch_race.data.content import PICTURE_FORMATS, describe
from batch_race.data.deadline import finish_within
from batch_race.data.description import MIDDLE, Description, background
from batch_race.data.originals.find import TRANSPOSED
from batch_race.errors import InputError
from batch_race.store.files import open_regular

FORMATS = (*PICTURE_FORMATS, "PSD")

MIN_CONTRAST = 32
"""A picture whose grey levels differ by less is blank: scans and JPEG have some noise."""

MIN_RATIO = 0.25
"""The smallest ratio of a pixel's sides that is believed."""

MAX_PIXELS = 100_000_000
"""Of a picture; a page of A4 at 600 dots per inch has 35 million."""

MAX_SECONDS = 60.0
"""The longest time for a file, which a few bytes may make an animation of days."""

WHITE = 255

NEW_SUBFILE_TYPE, THUMBNAIL, MASK = 254, 1, 4  # a tag of TIFF and two of its bits

Pixels = npt.NDArray[np.uint8]

log = logging.getLogger(__name__)


def read(path: Path, data: Description) -> Pixels:
    """Read the images of a file.

    Parameters
    ----------
    path : Path
        An idx file of images, gzipped or not, or a picture in one of `FORMATS`, of which each frame
        or page is an image.
    data : Description
        Of the images that the network was trained on.

    Returns
    -------
    ndarray of uint8, shape (n_images, height * width)
        Images like those of the training data; see `fit`. Those of an idx file are at most
        inverted. Of a blank picture, all pixels are equal.

    Raises
    ------
    InputError
        If the file is missing or neither of these, of a size or kind that cannot be converted, or
        takes longer than `MAX_SECONDS`.
    """
    try:
        return finish_within(MAX_SECONDS, lambda: _read(path, data))
    except TimeoutError as error:
        raise InputError(
            f"{path}: found images that take longer than {MAX_SECONDS:g} s, expected fewer or "
            "smaller ones"
        ) from error


def _read(path: Path, data: Description) -> Pixels:
    try:
        with open_regular(path) as file:
            head = file.read(3)
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: found no such file, expected a picture or an idx file"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    if head[:2] == b"\x1f\x8b" or head == b"\0\0\x08":  # gzip, or unsigned bytes in idx
        if path.name.startswith(TRANSPOSED):
            upright = idx.read(path, (None, data.width, data.height)).transpose(0, 2, 1)
        else:
            upright = idx.read(path, (None, data.height, data.width))
        images = _with_background(upright, data, path)
    else:
        frames = [fit(grey, data, path) for grey in _frames(path)]
        if not frames:
            raise InputError(f"{path}: found thumbnails or masks alone, expected a picture")
        images = np.stack(frames)
    return images.reshape(len(images), -1)


def is_blank(images: Pixels) -> npt.NDArray[np.bool_]:
    """Return whether all pixels of each image are equal; shape (n_images,)."""
    blank: npt.NDArray[np.bool_] = images.min(axis=1) == images.max(axis=1)
    return blank


def fit(grey: Pixels, data: Description, path: Path) -> Pixels:
    """Convert a grey picture to an image like those of the training data.

    A picture of their size is at most inverted. Of another, what is drawn on its background is
    scaled to the side that drawings have in the training images, and its centre of mass put in the
    middle, as in MNIST (LeCun, Cortes and Burges, "The MNIST database"). Where the training images
    have no background, the whole picture is scaled.

    Parameters
    ----------
    grey : ndarray of uint8, shape (any height, any width)
    data : Description
    path : Path
        The picture's file, for messages.

    Returns
    -------
    ndarray of uint8, shape (height, width)

    Raises
    ------
    InputError
        If the whole picture is to be scaled, and has other proportions.
    """
    shape = data.height, data.width
    if int(np.ptp(grey)) < MIN_CONTRAST:
        return np.full(shape, grey[0, 0])
    if grey.shape == shape:
        image: Pixels = _with_background(grey[np.newaxis], data, path)[0]
        return image
    if data.background == "mixed":
        height, width = grey.shape
        # To the nearest pixel.
        if abs(height * data.width - width * data.height) > max(height, width):
            raise InputError(
                f"{path}: found a picture of {width}×{height} pixels, expected the proportions of "
                f"the training images, {data.width}×{data.height}"
            )
        whole: Pixels = _resized(grey, shape).astype(np.uint8)
        return whole
    drawn = _framed(_drawing(grey), data)
    return WHITE - drawn if data.background == "light" else drawn


def _with_background(images: Pixels, data: Description, path: Path) -> Pixels:
    """Return images with the background of the training images: inverted where it is the other."""
    found = background(images)
    if {found, data.background} != {"dark", "light"}:
        return images
    log.warning(
        "%s: found a %s background, inverted: the network was trained on a %s one",
        *(path, found, data.background),
    )
    return WHITE - images


def _drawing(grey: Pixels) -> Pixels:
    """Return what is drawn on a picture's background, light on dark, with all grey levels."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ink = grey - float(np.median(border))
    if -ink.min() > ink.max():
        ink = -ink
    stretched: Pixels = (np.maximum(ink, 0) * (WHITE / ink.max())).round().astype(np.uint8)
    return stretched


def _framed(drawing: Pixels, data: Description) -> Pixels:
    """Return a drawing scaled and centred as those of the training images are."""
    shape = data.height, data.width
    rows, columns = np.nonzero(drawing > MIDDLE)
    cut = drawing[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    fits = (most / length for most, length in zip(shape, cut.shape, strict=True))
    scale = min(data.side / max(cut.shape), *fits)
    height, width = (max(1, round(length * scale)) for length in cut.shape)
    small = _resized(cut, (height, width))
    mass = small.sum()
    centre = [
        (small.sum(axis=1 - axis) @ (np.arange(length) + 0.5)) / mass
        for axis, length in enumerate(small.shape)
    ]
    top, left = (
        int(np.clip(round(most / 2 - middle), 0, most - length))
        for most, middle, length in zip(shape, centre, small.shape, strict=True)
    )
    framed = np.zeros(shape, dtype=np.uint8)
    framed[top : top + height, left : left + width] = small
    return framed


def _resized(grey: Pixels, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    small = Image.fromarray(grey).resize(shape[::-1], Image.Resampling.LANCZOS)
    return np.asarray(small, dtype=np.float64)


def _frames(path: Path) -> Iterator[Pixels]:
    """Return each frame of a picture, upright and grey, as an opaque picture would show it."""
    try:
        # By its name, Pillow maps a TIFF into memory, with the sides of a turned one exchanged.
        with open_regular(path) as file, _open(file) as picture:
            for frame in _visible(picture):
                if frame.width * frame.height > MAX_PIXELS:
                    raise InputError(
                        f"{path}: found a picture of {frame.width:,}×{frame.height:,} pixels, "
                        f"expected at most {MAX_PIXELS:,} in all"
                    )
                # The mode "I" has 16 bits in a PGM, and 32 in others.
                is_deep = frame.mode.startswith("I;16") or (
                    frame.mode == "I" and picture.format == "PPM"
                )
                yield _grey(_upright(frame), path, is_deep=is_deep)
    except (InputError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        kind = describe(path)
        damage = " that is damaged" if kind.endswith("picture") else ""
        raise InputError(
            f"{path}: expected a picture or an idx file, found {kind}{damage}"
        ) from error
    except Exception as error:  # Pillow has many for a damaged file
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(
            f"{path}: expected a picture or an idx file, found {describe(path)} that cannot be "
            f"read ({reason})"
        ) from error


def _open(file: BinaryIO) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # there is a bound here
        return Image.open(file, formats=FORMATS)


def _visible(picture: Image.Image) -> Iterator[Image.Image]:
    """Return the frames of a picture that a viewer shows: neither layers, thumbnails nor masks."""
    if picture.format in ("PSD", "MPO"):
        yield picture  # other frames are the single layers, or a camera's previews and gain maps
        return
    for frame in ImageSequence.Iterator(picture):
        tags = getattr(frame, "tag_v2", {})
        if not tags.get(NEW_SUBFILE_TYPE, 0) & (THUMBNAIL | MASK):
            yield frame


def _upright(frame: Image.Image) -> Image.Image:
    """Return a frame turned as its EXIF data say, with square pixels, which a fax does not have."""
    is_turned = frame.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
    upright = ImageOps.exif_transpose(frame)
    densities = (frame.info.get(key) for key in ("dpi", "aspect", "jfif_density"))
    per_length = np.array(next(filter(None, densities), (1, 1)), dtype=float)
    longest = per_length.max()
    if not MIN_RATIO * longest <= per_length.min() <= 0.98 * longest:
        return upright
    stretch = longest / (per_length[::-1] if is_turned else per_length)
    width, height = np.rint(upright.size * stretch).astype(int).tolist()
    info = upright.info
    upright = upright.resize((width, height))
    upright.info = info
    return upright


def _grey(frame: Image.Image, path: Path, *, is_deep: bool) -> Pixels:
    """Return the grey levels of a frame on paper, in the sRGB colour space."""
    alpha = None
    if is_deep:
        values = np.asarray(frame)
        if "transparency" in frame.info:
            alpha = np.where(values == frame.info["transparency"], 0, WHITE).astype(np.uint8)
        return _on_paper((values / 257).round().astype(np.uint8), alpha)
    if frame.mode in ("I", "F"):
        raise InputError(
            f"{path}: found pixels of 32 bits, which do not say what is white, expected 8 or 16"
        )
    if frame.has_transparency_data:
        with_alpha = frame.convert("RGBA")
        alpha = np.asarray(with_alpha.getchannel("A"))
        # Grey stays grey, as its colour profile is.
        frame = frame.convert("L") if frame.mode in ("L", "LA") else with_alpha
    return _on_paper(np.asarray(_in_srgb(frame, path).convert("L")), alpha)


def _in_srgb(frame: Image.Image, path: Path) -> Image.Image:
    """Return the colours of a frame, those of its colour profile converted to sRGB."""
    profile = frame.info.get("icc_profile")
    if frame.mode not in ("L", "CMYK", "LAB"):
        frame = frame.convert("RGB")
    try:
        if profile:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        elif frame.mode == "LAB":
            source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        else:
            return frame
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(frame, source, target, outputMode="RGB")
    except (OSError, ImageCms.PyCMSError) as error:
        if frame.mode == "LAB":
            raise
        # As browsers do.
        log.warning("%s: found a colour profile that does not fit, ignored (%s)", path, error)
        return frame
    assert converted is not None  # noqa: S101 (it is None only in place)
    return converted


def _on_paper(grey: Pixels, alpha: Pixels | None) -> Pixels:
    """Return a picture with paper behind its transparent parts.

    Parameters
    ----------
    grey : ndarray of uint8, shape (height, width)
    alpha : ndarray of uint8, shape (height, width), or None
        The opacity; None if all is opaque.

    Returns
    -------
    ndarray of uint8, shape (height, width)
        Of a drawing in one tone, on paper that contrasts with it. A picture in several tones has a
        background of its own, which is continued: the tone of its edge.
    """
    if alpha is None or alpha.min() == WHITE:
        return grey
    if alpha.max() == 0:
        return np.zeros_like(grey)
    is_opaque = alpha > alpha.max() // 2
    tones = grey[is_opaque]
    paper = 0 if np.median(tones) > MIDDLE else WHITE
    darkest, lightest = np.percentile(tones, (5, 95))
    if lightest - darkest > MIDDLE:
        around = np.pad(is_opaque, 1)
        inside = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
        paper = int(np.median(grey[is_opaque & ~inside]))
    opacity = alpha / WHITE
    laid: Pixels = (grey * opacity + paper * (1 - opacity)).round().astype(np.uint8)
    return laid
