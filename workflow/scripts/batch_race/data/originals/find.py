"""Which form the original files of a dataset have."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from batch_race.data import idx
from batch_race.data.content import describe, is_idx, read_head
from batch_race.data.originals import csv, npz
from batch_race.data.originals.arrays import Arrays, Source
from batch_race.data.originals.csv import Table
from batch_race.data.originals.folders import Folders, subfolders
from batch_race.data.originals.form import Originals
from batch_race.errors import InputError

EXPECTED = (
    "expected idx files, a .npz file or CSV files with images and labels, or a folder of pictures "
    "for each class"
)

TRANSPOSED = "emnist-"
"""How names of files begin whose images are transposed; nothing in their content says so."""

MAX_NAMED = 6
"""Files in a message."""

_PART = re.compile(r"(?<![a-z])(train|t10k|test)(ing)?(?![a-z])")
"""Names of files for training and for testing; all else is recognised by content."""


class _Piece(NamedTuple):
    """A part of a dataset in a file.

    Attributes
    ----------
    path : Path
    role : str
        As train_images, test_labels or train_table.
    dataset : tuple of Path, str and bool
        The folder, the text before "train" or "test" in the file's name (or its whole name), and
        whether it is a table.
    source : Source
        Of a table, the shape is the number of columns.
    """

    path: Path
    role: str
    dataset: tuple[Path, str, bool]
    source: Source

    @property
    def title(self) -> str:
        """The file's name, and that of the array in it."""
        member = self.source.member
        return f"{self.path.name}, {member}" if member else self.path.name


def find(path: Path) -> Originals:
    """Find the original files of a dataset, and recognise their form.

    Parameters
    ----------
    path : Path
        A folder with the files of one dataset, or a folder around torchvision's folder `raw`; or
        one of the files, where a folder has those of several datasets.

    Returns
    -------
    Originals

    Raises
    ------
    InputError
        If there is no dataset of a known form, or more than one.
    """
    if path.is_dir():
        pieces = [piece for folder in _list_folders(path) for piece in _list_pieces(folder)]
        if not pieces:
            return _find_pictures(path)
    elif path.exists():
        siblings = _list_pieces(path.parent)
        datasets = {piece.dataset for piece in siblings if piece.path.samefile(path)}
        pieces = [piece for piece in siblings if piece.dataset in datasets]
        if not pieces:
            raise InputError(f"{path}: found {describe(path)}, {EXPECTED}")
        # Of several files for one part, the one that is named.
        roles = {piece.role for piece in pieces if piece.path.samefile(path)}
        pieces = [piece for piece in pieces if piece.role not in roles or piece.path.samefile(path)]
    else:
        raise InputError(f"{path}: found no such file or folder, {EXPECTED}")
    firsts = {piece.dataset: piece.path for piece in reversed(pieces)}
    if len(firsts) > 1:
        raise InputError(
            f"{path}: found {len(firsts)} datasets, expected one, or the path of a file of one: "
            f"{_join(sorted(map(str, firsts.values())))}"
        )
    return _make(pieces)


def find_role(folder: Path, role: str) -> list[Path]:
    """Return the idx files in a folder, or in torchvision's folder `raw` in it, of one role.

    Parameters
    ----------
    folder : Path
    role : {"train_images", "train_labels", "test_images", "test_labels"}

    Raises
    ------
    InputError
        If the folder cannot be read.
    """
    pieces = [piece for each in _list_folders(folder) for piece in _list_pieces(each)]
    return [piece.path for piece in pieces if piece.role == role and not piece.source.member]


def _list_folders(path: Path) -> list[Path]:
    return [path, *sorted(path.glob("raw")), *sorted(path.glob("*/raw"))]


def _list_pieces(folder: Path) -> list[_Piece]:
    return [piece for path in _list_files(folder) for piece in _recognise(path)]


def _list_files(folder: Path) -> list[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror or error}") from error
    return [path for path in paths if path.is_file() and not path.name.startswith(".")]


def _recognise(path: Path) -> list[_Piece]:
    """Return the parts of a dataset in a file; none if its form is not known or it is damaged."""
    name = path.name.lower()
    match = _PART.search(name)
    dataset = name[: match.start()] if match else name
    try:
        if is_idx(read_head(path)):
            sources = [Source(path, "", idx.read_header(path).shape)]
        elif npz.is_npz(path):
            sources = [
                Source(path, member, shape) for member, shape in npz.read_shapes(path).items()
            ]
        elif columns := csv.read_columns(path):
            source = Source(path, "", (columns.n_columns,))
            return [_Piece(path, f"{_part(match)}_table", (path.parent, dataset, True), source)]
        else:
            return []
    except InputError:
        return []
    pieces = []
    for source in sources:
        inner = _PART.search(source.member.lower())
        if inner or match:
            key = (path.parent, name if inner else dataset, False)
            what = "images" if source.is_images else "labels"
            pieces.append(_Piece(path, f"{_part(inner or match)}_{what}", key, source))
    return pieces


def _part(match: re.Match[str] | None) -> str:
    return "train" if match is None or match[1] == "train" else "test"


def _make(pieces: list[_Piece]) -> Originals:
    """Make a dataset of its parts."""
    folder, name, is_table = pieces[0].dataset
    is_transposed = name.startswith(TRANSPOSED)
    characters = folder / f"{name}mapping.txt"
    mapping = characters if is_transposed and characters.is_file() else None
    by_role: dict[str, list[_Piece]] = defaultdict(list)
    for piece in pieces:
        by_role[piece.role].append(piece)
    if not is_table:
        roles = [f"{part}_{what}" for part in ("train", "test") for what in ("images", "labels")]
        sources = {role: _choose(by_role[role], role, folder, name).source for role in roles}
        return Arrays(sources, is_transposed, mapping)
    train = _choose(by_role["train_table"], "train_table", folder, name)
    if not by_role["test_table"] and not _list_unrecognised(folder, name, "test"):
        return Table(train.path, None, is_transposed, mapping)
    test = _choose(by_role["test_table"], "test_table", folder, name)
    has_labels = csv.has_labels(test.path, train.path)
    return Table(train.path, test.path if has_labels else None, is_transposed, mapping)


def _choose(pieces: list[_Piece], role: str, folder: Path, name: str) -> _Piece:
    """Return a dataset's only part of a role; of a file and its gzipped copy, the file."""
    part, what = role.split("_")
    wanted = f"{'training' if part == 'train' else 'test'} {what}"
    if not pieces:
        others = [
            f"; {each.name} is {describe(each)}" for each in _list_unrecognised(folder, name, part)
        ]
        raise InputError(
            f"{folder}: found no {wanted}{''.join(others[:MAX_NAMED])}, expected an idx, .npz or "
            f"CSV file with {part!r} in its name"
        )
    # Kaggle spells a name with a dot for a hyphen; torchvision keeps the gzipped file.
    spellings = {piece.path.name.removesuffix(".gz").replace(".", "-") for piece in pieces}
    members = {piece.source.member for piece in pieces}
    if len(spellings) > 1 or len(members) > 1:
        raise InputError(
            f"{folder}: found {_join(piece.title for piece in pieces)} for the {wanted}, "
            "expected one of them"
        )
    return min(pieces, key=lambda piece: piece.path.name.endswith(".gz"))


def _list_unrecognised(folder: Path, name: str, part: str) -> list[Path]:
    """List the files that a dataset's part might have been, by their names."""
    found = []
    for path in _list_files(folder):
        match = _PART.search(path.name.lower())
        is_meant = match and (_part(match), path.name.lower()[: match.start()]) == (part, name)
        if is_meant and not _recognise(path):
            found.append(path)
    return found


def _find_pictures(path: Path) -> Originals:
    folders = subfolders(path)
    parts: dict[str, list[Path]] = defaultdict(list)
    for folder in folders:
        if match := _PART.fullmatch(folder.name.lower()):
            parts[_part(match)].append(folder)
    if any(len(each) > 1 for each in parts.values()):
        raise InputError(
            f"{path}: found the folders {_join(each.name for each in folders)}, "
            "expected one for training and one for testing"
        )
    if parts["train"]:
        return Folders(parts["train"][0], parts["test"][0] if parts["test"] else None)
    if folders:
        return Folders(path, None)
    others = [f"{each.name} is {describe(each)}" for each in _list_files(path)]
    raise InputError(f"{path}: found no dataset{': ' if others else ''}{_join(others)}; {EXPECTED}")


def _join(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:MAX_NAMED] + (["…"] if len(listed) > MAX_NAMED else []))
