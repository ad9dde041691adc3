"""Measure what large own datasets cost: planning, parsing, and the memory of both.

    python -m benchmarks.originals --mnist FOLDER

FOLDER has MNIST's four files. Its images are repeated to 700,000 for training and 116,323 for
testing, EMNIST's size, and written in each form. The real workflow plans each twice and parses it.
Prints a table; needs 10 GB of disk and takes about ten minutes.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from PIL import Image

from batch_race.data import idx
from batch_race.plan.datasets import MIN_AGE_SECONDS
from benchmarks.checkout import Checkout

COUNTS = {"train": 700_000, "test": 116_323}

Arrays = dict[str, tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]]
"""By part, images and labels."""


def write_idx(folder: Path, arrays: Arrays) -> None:
    """Write gzipped idx files with EMNIST's names, transposed as EMNIST's are."""
    for part, (images, labels) in arrays.items():
        transposed = np.ascontiguousarray(images.transpose(0, 2, 1))
        idx.write(folder / f"emnist-byclass-{part}-images-idx3-ubyte.gz", transposed)
        idx.write(folder / f"emnist-byclass-{part}-labels-idx1-ubyte.gz", labels)


def write_npz(folder: Path, arrays: Arrays) -> None:
    """Write a file like Keras's mnist.npz."""
    (x_train, y_train), (x_test, y_test) = arrays["train"], arrays["test"]
    np.savez_compressed(
        folder / "mnist.npz",
        allow_pickle=False,
        x_train=x_train,
        y_train=y_train,
        x_test=x_test,
        y_test=y_test,
    )


def write_csv(folder: Path, arrays: Arrays) -> None:
    """Write tables with Kaggle's names."""
    for part, (images, labels) in arrays.items():
        pixels = pl.DataFrame(images.reshape(len(images), -1))
        table = pl.DataFrame({"label": labels}).hstack(pixels)
        table.write_csv(folder / f"mnist_{part}.csv")


def write_pictures(folder: Path, arrays: Arrays) -> None:
    """Write a PNG for each image, in a folder for its class."""
    for part, (images, labels) in arrays.items():
        for label in np.unique(labels):
            (folder / part / str(label)).mkdir(parents=True)
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            Image.fromarray(image).save(folder / part / str(label) / f"{index}.png")


FORMS: dict[str, Callable[[Path, Arrays], None]] = {
    "idx, gzipped": write_idx,
    "npz": write_npz,
    "CSV": write_csv,
    "pictures (PNG)": write_pictures,
}


def write(form: str, folder: Path, mnist: Path) -> None:
    """Write MNIST's images, repeated, in one form."""
    images = idx.read(mnist / "train-images-idx3-ubyte.gz", (None, 28, 28))
    labels = idx.read(mnist / "train-labels-idx1-ubyte.gz", (None,))
    arrays = {
        part: (images[np.arange(count) % len(images)], labels[np.arange(count) % len(images)])
        for part, count in COUNTS.items()
    }
    FORMS[form](folder, arrays)


def measure(checkout: Checkout, path: Path, *arguments: str) -> tuple[float, float]:
    """Return the seconds of a command, and the peak memory of the largest process in GB."""
    config = {"own_datasets": {"large": str(path)}, "dataset": "large", "batch_size": 32}
    start = time.perf_counter()
    process = checkout.start(config, *arguments, until="parse")
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"the workflow failed in {checkout.folder}")
    return time.perf_counter() - start, usage.ru_maxrss / 1e6


def main() -> None:
    """Measure and print the table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mnist", type=Path, required=True, help="folder with the four files")
    parser.add_argument("--forms", nargs="*", choices=FORMS, default=list(FORMS))
    arguments = parser.parse_args()
    print("| form | first plan, s | later plan, s | parse, s | peak memory, GB |")
    print("|---|---|---|---|---|", flush=True)
    for form in arguments.forms:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "data"
            path.mkdir()
            # Linux counts the memory of a process as that of the programs it starts.
            writer = multiprocessing.get_context("spawn").Process(
                target=write, args=(form, path, arguments.mnist)
            )
            writer.start()
            writer.join()
            time.sleep(MIN_AGE_SECONDS)
            (Path(folder) / "checkout").mkdir()
            checkout = Checkout(Path(folder) / "checkout", arguments.mnist.resolve())
            first, first_gb = measure(checkout, path, "--dry-run")
            later, _ = measure(checkout, path, "--dry-run")
            parse, parse_gb = measure(checkout, path)
        seconds = f"{first:.1f} | {later:.1f} | {parse - later:.1f}"
        print(f"| {form} | {seconds} | {max(first_gb, parse_gb):.2f} |", flush=True)


if __name__ == "__main__":
    main()
