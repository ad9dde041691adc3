"""A dataset's files in the forms that people have them, made of images and labels."""

import gzip
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from batch_race.data import idx


class Digits(NamedTuple):
    """Images and labels, for training and for testing."""

    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.uint8]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.uint8]

    def part(self, name: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        return (self[0], self[1]) if name == "train" else (self[2], self[3])


def random_digits(n_train: int = 40, n_test: int = 20, shape: tuple[int, int] = (6, 6)) -> Digits:
    """Draw images of noise; each of ten classes has as many."""
    random = np.random.default_rng(1)

    def part(count: int) -> list[npt.NDArray[np.uint8]]:
        labels = np.repeat(np.arange(10, dtype=np.uint8), count // 10)
        return [random.integers(0, 256, (count, *shape), np.uint8), labels]

    return Digits(*part(n_train), *part(n_test))


def write_idx(
    folder: Path,
    digits: Digits,
    name: str = "{test}-{what}-idx{dimensions}-ubyte",
    *,
    gzipped: bool = False,
    transposed: bool = False,
) -> None:
    """Write idx files; names have `{part}` (train, test) or `{test}` (train, t10k)."""
    for part in ("train", "test"):
        images, labels = digits.part(part)
        for what, array in (("images", images), ("labels", labels)):
            if transposed and what == "images":
                array = array.transpose(0, 2, 1)
            path = folder / name.format(
                part=part,
                test="t10k" if part == "test" else "train",
                what=what,
                dimensions=array.ndim,
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            content = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            content += array.tobytes()
            path.write_bytes(gzip.compress(content, 1, mtime=0) if gzipped else content)


def write_emnist(folder: Path, digits: Digits, split: str) -> None:
    """Write files as EMNIST's gzip.zip has them: the images transposed, characters in a mapping."""
    name = f"emnist-{split}-{{part}}-{{what}}-idx{{dimensions}}-ubyte.gz"
    write_idx(folder, digits, name, gzipped=True, transposed=True)
    labels = np.unique(digits.train_labels)
    lines = [f"{label} {characters(int(label))}\n" for label in labels]
    (folder / f"emnist-{split}-mapping.txt").write_text("".join(lines))


def characters(label: int) -> str:
    """Return the code of a label's character, as in EMNIST balanced: digits, then letters."""
    return str(ord("0") + label if label < 10 else ord("A") + label - 10)


def write_qmnist(folder: Path, digits: Digits) -> None:
    """Write QMNIST's files: labels are the first of eight 32-bit integers; the same as TSV."""
    folder.mkdir(parents=True)
    for part in ("train", "test"):
        images, labels = digits.part(part)
        idx.write(folder / f"qmnist-{part}-images-idx3-ubyte.gz", images)
        rows = np.full((len(labels), 8), 7, ">i4")
        rows[:, 0] = labels
        rows[:, 2] = np.arange(len(labels))
        header = struct.pack(">HBB2I", 0, 12, 2, *rows.shape)
        packed = gzip.compress(header + rows.tobytes(), 1)
        (folder / f"qmnist-{part}-labels-idx2-int.gz").write_bytes(packed)
        lines = "\n".join("\t".join(map(str, row)) for row in rows)
        (folder / f"qmnist-{part}-labels.tsv.gz").write_bytes(gzip.compress(lines.encode(), 1))


def write_torchvision(folder: Path, digits: Digits) -> None:
    """Write what torchvision leaves: unpacked files beside the gzipped ones, in MNIST/raw."""
    raw = folder / "MNIST" / "raw"
    write_idx(raw, digits)
    write_idx(raw, digits, "{test}-{what}-idx{dimensions}-ubyte.gz", gzipped=True)


def write_keras(folder: Path, digits: Digits) -> None:
    """Write Keras's mnist.npz."""
    folder.mkdir(parents=True)
    arrays = {
        f"{letter}_{part}": digits.part(part)[index]
        for part in ("train", "test")
        for index, letter in enumerate("xy")
    }
    np.savez_compressed(folder / "mnist.npz", allow_pickle=False, **arrays)


def table(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8] | None) -> bytes:
    """Return lines of a label, if any, and pixels."""
    rows = images.reshape(len(images), -1)
    if labels is not None:
        rows = np.column_stack([labels, rows])
    return b"".join(b",".join(b"%d" % value for value in row) + b"\n" for row in rows)


def write_kaggle(folder: Path, digits: Digits, ids: bool = False) -> None:
    """Write the files of Kaggle's digit recognizer: test.csv has no labels, but may have ids."""
    folder.mkdir(parents=True)
    names = ",".join(f"pixel{index}" for index in range(digits.train_images[0].size)).encode()
    train = table(digits.train_images, digits.train_labels)
    (folder / "train.csv").write_bytes(b"label," + names + b"\n" + train)
    numbers = digits.test_labels if ids else None
    header = b"id," + names if ids else names
    (folder / "test.csv").write_bytes(header + b"\n" + table(digits.test_images, numbers))
    (folder / "sample_submission.csv").write_text("ImageId,Label\n1,0\n2,0\n")


def write_fashion(folder: Path, digits: Digits) -> None:
    """Write fashion-mnist_{train,test}.csv as on Kaggle."""
    folder.mkdir(parents=True)
    for part in ("train", "test"):
        images, labels = digits.part(part)
        names = ",".join(f"pixel{1 + index}" for index in range(images[0].size))
        content = f"label,{names}\n".encode() + table(images, labels)
        (folder / f"fashion-mnist_{part}.csv").write_bytes(content)


def write_pictures(
    folder: Path,
    digits: Digits,
    *,
    names: tuple[str, str] | None = ("train", "test"),
    classes: Callable[[int], str] = str,
    suffix: str = "png",
    convert: Callable[[Image.Image], Image.Image] = lambda picture: picture,
) -> None:
    """Write a picture for each image, in a folder for its class; without `names`, one set."""
    for part, name in zip(("train", "test"), names or (".",), strict=False):
        for index, (image, label) in enumerate(zip(*digits.part(part), strict=True)):
            path = folder / name / classes(int(label)) / f"{index:05}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            options = {"lossless": True} if suffix == "webp" else {}
            convert(Image.fromarray(image)).save(path, **options)


def unpack_in_place(folder: Path) -> None:
    """Unpack all files and keep their names, as browsers do."""
    for path in folder.rglob("*.gz"):
        with gzip.open(path) as packed, path.with_suffix(".tmp").open("wb") as file:
            shutil.copyfileobj(packed, file)
        path.with_suffix(".tmp").replace(path)
