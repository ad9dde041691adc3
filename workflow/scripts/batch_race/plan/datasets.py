"""The datasets that an experiment may name: published, drawn by the workflow, or the user's own."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batch_race.data import idx
from batch_race.errors import InputError
from batch_race.store.files import folder_of

PARTS = ("train_images", "train_labels", "test_images", "test_labels")
"""The four files of a dataset, by the names that rules give them."""


@dataclass(frozen=True)
class Dataset:
    """A dataset's name, size and files.

    Attributes
    ----------
    folder : str
        Of its parsed arrays and its runs: its name, with a digest of the files where the name
        alone does not say which files they are.
    digest : str or None
        SHA-256 of the user's own files; those of a published dataset are in datasets.yaml.
    train_count, test_count : int
        Number of images.
    files : mapping of str to str
        Where the idx file of each of the `PARTS` lies.
    """

    folder: str
    digest: str | None
    train_count: int
    test_count: int
    files: Mapping[str, str]


def known(catalogue: Mapping[str, Any], own: Mapping[str, str]) -> dict[str, Dataset]:
    """List all datasets that this configuration can name.

    Parameters
    ----------
    catalogue : mapping
        What datasets.yaml says.
    own : mapping of str to str
        The user's own: name and folder.

    Returns
    -------
    dict of str to Dataset

    Raises
    ------
    InputError
        If one of the user's own has a name that is taken, or lacks a file.
    """
    datasets = {
        name: Dataset(
            name,
            None,
            entry["train_count"],
            entry["test_count"],
            {part: f"{_folder(name, entry)}/{entry['files'][part]['name']}" for part in PARTS},
        )
        for name, entry in catalogue.items()
    }
    for name, folder in own.items():
        if name in datasets:
            raise InputError(f"own_datasets.{name}: this name is taken, expected another")
        datasets[name] = _own(name, folder_of(f"own_datasets.{name}", folder))
    return datasets


def _folder(name: str, entry: Mapping[str, Any]) -> str:
    return f"results/download/{name}" if entry["mirrors"] else f"results/draw_{name}"


def _own(name: str, folder: Path) -> Dataset:
    files = {}
    for part, file_name in _PUBLISHED_NAMES.items():
        candidates = [folder / file_name, folder / f"{file_name}.gz"]
        present = [path for path in candidates if path.is_file()]
        if not present:
            raise InputError(
                f"own_datasets.{name}: found no {file_name} in {folder}, "
                f"expected it there, or {file_name}.gz"
            )
        files[part] = str(present[0])
    train_count, test_count = (_count(Path(files[f"{part}_labels"])) for part in ("train", "test"))
    digest = hashlib.sha256()
    for part in PARTS:
        with Path(files[part]).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    folder_name = f"{name}-{digest.hexdigest()[:10]}"
    return Dataset(folder_name, digest.hexdigest(), train_count, test_count, files)


def _count(labels: Path) -> int:
    count = idx.read_shape(labels)[0]
    if count == 0:
        raise InputError(f"{labels}: found no label, expected at least one")
    return count


_PUBLISHED_NAMES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}
