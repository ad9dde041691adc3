"""The datasets that an experiment may name: published, drawn by the workflow, or the user's own."""

import hashlib
import itertools
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batch_race.data.originals.find import find
from batch_race.data.originals.form import Originals, Summary, summarize
from batch_race.errors import InputError, OutputError
from batch_race.plan import sources
from batch_race.store.files import folder_of, replacing

SUMMARIES = Path("results/summarize_originals")
"""Of large own datasets, so that not each start of Snakemake reads them."""

MIN_SECONDS = 1.0
"""A summary is kept if it took so long. It is not if a file was changed less than `MIN_AGE_SECONDS`
before, since another change might leave the file's time as it is, nor if one was changed since."""

MIN_AGE_SECONDS = 2.0


@dataclass(frozen=True)
class Dataset:
    """A dataset's name, size and files.

    Attributes
    ----------
    folder : str
        Of its parsed arrays and its runs: its name, with a digest of the arrays where the name
        alone does not say which they are.
    digest : str or None
        SHA-256 of the user's own arrays; the files of a published dataset are in datasets.yaml.
    train_count, test_count : int
        Number of images.
    originals : str
        The folder of its original files, or one of them.
    made : tuple of str
        The original files that the workflow downloads or draws.
    """

    folder: str
    digest: str | None
    train_count: int
    test_count: int
    originals: str
    made: tuple[str, ...]


def known(catalogue: Mapping[str, Any], own: Mapping[str, str]) -> dict[str, Dataset]:
    """List all datasets that this configuration can name.

    Parameters
    ----------
    catalogue : mapping
        What datasets.yaml says.
    own : mapping of str to str
        The user's own: name, and folder or file.

    Returns
    -------
    dict of str to Dataset

    Raises
    ------
    InputError
        If one of the user's own has a name that is taken, or its files are not those of a dataset.
    """
    datasets = {name: _published(name, entry) for name, entry in catalogue.items()}
    for name, text in own.items():
        key = f"own_datasets.{name}"
        if name in datasets:
            raise InputError(f"{key}: this name is taken, expected another")
        path = folder_of(key, text)
        try:
            digest, train_count, test_count = _summarize(find(path))
        except InputError as error:
            raise InputError(f"{key}: {error}") from error
        except OSError as error:  # removed since it was found
            raise InputError(
                f"{key}: {error.filename}: cannot be read: {error.strerror}"
            ) from error
        folder = f"{name}-{digest[:10]}"
        datasets[name] = Dataset(folder, digest, train_count, test_count, str(path), ())
    return datasets


def _published(name: str, entry: Mapping[str, Any]) -> Dataset:
    folder = f"results/download/{name}" if entry["mirrors"] else f"results/draw_{name}"
    made = tuple(f"{folder}/{file['name']}" for file in entry["files"].values())
    return Dataset(name, None, entry["train_count"], entry["test_count"], folder, made)


def _summarize(originals: Originals) -> Summary:
    """Return the summary of a dataset, kept from an earlier time if its files are as they were."""
    state, newest = _state(originals)
    path = SUMMARIES / f"{state}.json"
    with suppress(OSError, ValueError, TypeError):
        return Summary(**json.loads(path.read_text(encoding="utf-8")))
    now, start = time.time(), time.monotonic()
    summary = summarize(originals)
    is_slow = time.monotonic() - start > MIN_SECONDS
    is_settled = newest < now - MIN_AGE_SECONDS and _state(originals)[0] == state
    if is_slow and is_settled:
        with suppress(OutputError), replacing(path) as temporary:
            temporary.write_text(json.dumps(summary._asdict()), encoding="utf-8")
    return summary


def _state(originals: Originals) -> tuple[str, float]:
    """Return a digest of the files' names, sizes, times and inodes, and their newest time.

    A name includes that of the folder, which may be a class, but none above it. The code that reads
    the files is part of the digest. A change time cannot be set, unlike a modification time.
    """
    digest = hashlib.sha256(sources.digest(Path(__file__)).encode())
    newest = 0.0
    for folder, paths in itertools.groupby(originals.files, os.path.dirname):
        digest.update(Path(folder).resolve().name.encode("utf-8", "surrogateescape"))
        for path in paths:
            status = os.stat(path)  # noqa: PTH116 (a Path for each would double the time)
            newest = max(newest, status.st_mtime, status.st_ctime)
            times = (status.st_mtime_ns, status.st_ctime_ns)
            identity = (status.st_size, *times, status.st_ino, status.st_dev)
            digest.update(repr((os.path.basename(path), identity)).encode())  # noqa: PTH119
    return digest.hexdigest(), newest
