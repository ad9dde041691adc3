"""Folders of pictures, one for each class."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from batch_race.data.content import PICTURE_FORMATS, check_memory, describe
from batch_race.data.originals.form import Images, Originals, Part
from batch_race.errors import InputError
from batch_race.store.files import open_regular


class Folders(Originals):
    """Pictures in a folder for each class: labels are the indices of the sorted classes.

    Parameters
    ----------
    train : Path
        With a folder of training pictures for each class.
    test : Path or None
        With a folder of test pictures for each class, each also in `train`.

    Raises
    ------
    InputError
        If a folder cannot be read, has no picture, or is that of a class without training pictures.
    """

    def __init__(self, train: Path, test: Path | None) -> None:
        self._classes = sorted((path.name for path in subfolders(train)), key=_order)
        self._parts = [_list(train, self._classes)]
        if test is not None:
            known = set(self._classes)
            if unknown := [path for path in subfolders(test) if path.name not in known]:
                raise InputError(
                    f"{unknown[0]}: found a class without training pictures in {train}, "
                    f"expected one of {', '.join(self._classes[:12])}"
                )
            classes = {path.name for path in subfolders(test)}
            self._parts.append(_list(test, [each for each in self._classes if each in classes]))

    @property
    def files(self) -> tuple[str, ...]:
        """The pictures."""
        return tuple(path for part in self._parts for paths in part.values() for path in paths)

    def parts(self) -> Iterator[Part]:
        """Read the training pictures, then the test pictures."""
        labels = {name: label for label, name in enumerate(self._classes)}
        size = None
        for part in self._parts:
            paths = [path for each in part.values() for path in each]
            images = _read(paths, size)
            size = images.shape[1:]
            counts = [len(each) for each in part.values()]
            yield Part(images, np.repeat([labels[name] for name in part], counts))

    def class_names(self) -> dict[int, str]:
        """Return the name of each class's folder; none if these are the labels."""
        names = dict(enumerate(self._classes))
        return {} if all(str(label) == name for label, name in names.items()) else names


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted, without hidden ones."""
    try:
        with os.scandir(folder) as entries:
            names = [each.name for each in entries if each.is_dir() and each.name[0] != "."]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror or error}") from error
    return [folder / name for name in sorted(names)]


def _order(name: str) -> tuple[float, str]:
    """Return the key that sorts classes: numbers by their value, before other names."""
    is_number = name.isascii() and name.isdecimal()
    return (int(name) if is_number else float("inf"), name)


def _list(folder: Path, classes: Sequence[str]) -> Mapping[str, list[str]]:
    """List the paths of each class, without hidden files; as texts, of which there may be many."""
    listed = {}
    for name in classes:
        try:
            with os.scandir(folder / name) as entries:
                paths = sorted(each.path for each in entries if each.name[0] != ".")
        except OSError as error:
            raise InputError(
                f"{folder / name}: cannot be read: {error.strerror or error}"
            ) from error
        if not paths:
            raise InputError(f"{folder / name}: found no picture, expected at least one")
        listed[name] = paths
    return listed


def _read(paths: Sequence[str], size: tuple[int, ...] | None) -> Images:
    first = _read_picture(paths[0])
    if size is None:
        size = first.shape
    shape = (len(paths), *size)
    check_memory(paths[0], shape, len(paths) * first.size)
    images = np.empty(shape, np.uint8)
    for index, path in enumerate(paths):
        picture = _read_picture(path)
        if picture.shape != size:
            raise InputError(
                f"{path}: found {picture.shape[1]} by {picture.shape[0]} pixels, "
                f"expected {size[1]} by {size[0]} as in the other pictures"
            )
        images[index] = picture
    return images


def _read_picture(path: str) -> Images:
    """Read a picture as it is seen: upright, in shades of grey, shape (height, width)."""
    try:
        with (
            open_regular(Path(path)) as file,
            Image.open(file, formats=PICTURE_FORMATS) as picture,
        ):
            n_frames = getattr(picture, "n_frames", 1)
            if n_frames > 1:
                raise InputError(f"{path}: found {n_frames} frames, expected one picture")
            if picture.mode.startswith(("I", "F")):
                raise InputError(f"{path}: found pixels of 16 bits or more, expected 8 bits")
            picture.load()  # metadata may follow the pixels
            if picture.info:
                ImageOps.exif_transpose(picture, in_place=True)
            if picture.has_transparency_data:
                alpha = picture.convert("RGBA").getchannel("A")
                if alpha.getextrema() != (255, 255):
                    raise InputError(
                        f"{path}: found a transparent picture, expected an opaque one: "
                        "what is seen of it depends on the background"
                    )
            grey = picture if picture.mode == "L" else picture.convert("L")
            return np.frombuffer(grey.tobytes(), np.uint8).reshape(grey.height, grey.width)
    except (UnidentifiedImageError, IsADirectoryError) as error:
        raise InputError(f"{path}: found {describe(Path(path))}, expected a picture") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(
            f"{path}: found a damaged picture ({error}), expected a whole one"
        ) from error
