"""The known datasets: published, drawn, and the user's own."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from batch_race.data import idx
from batch_race.data.originals.find import find
from batch_race.data.originals.form import summarize
from batch_race.errors import InputError
from batch_race.plan import datasets
from tests.conftest import PUBLISHED, ROOT

CATALOGUE = yaml.safe_load((ROOT / "workflow/datasets.yaml").read_text())


@pytest.fixture
def folder(tmp_path):
    for part, name in PUBLISHED.items():
        count = 30 if part.startswith("train") else 20
        shape = (count, 4, 5) if part.endswith("images") else (count,)
        idx.write(tmp_path / name, np.ones(shape, dtype=np.uint8))
    return tmp_path


def test_published_and_drawn_datasets():
    known = datasets.known(CATALOGUE, {})
    assert set(known) == {"mnist", "fashion_mnist", "kmnist", "strokes"}
    for dataset in known.values():
        assert (dataset.train_count, dataset.test_count) == (60000, 10000)
        assert len(dataset.made) == 4
        assert {str(Path(path).parent) for path in dataset.made} == {dataset.originals}
    assert known["mnist"].originals == "results/download/mnist"
    assert known["strokes"].originals == "results/draw_strokes"


def test_names_of_classes_are_distinct():
    for entry in CATALOGUE.values():
        assert len(set(entry.get("classes", range(10)))) == 10


def test_own_files_are_counted(folder):
    own = datasets.known(CATALOGUE, {"mine": str(folder)})["mine"]
    assert (own.train_count, own.test_count) == (30, 20)
    assert (own.originals, own.made) == (str(folder), ())


def test_own_files_are_distinguished_by_their_content(folder):
    def own():
        return datasets.known(CATALOGUE, {"mine": str(folder)})["mine"]

    before = own()
    assert before.folder == f"mine-{before.digest[:10]}"
    labels = folder / PUBLISHED["test_labels"]
    labels.write_bytes(labels.read_bytes())
    assert own() == before
    idx.write(labels, np.zeros(20, dtype=np.uint8))
    assert own().folder != before.folder


def test_a_missing_file_is_named(folder):
    (folder / PUBLISHED["train_labels"]).unlink()
    with pytest.raises(InputError, match=r"own_datasets.mine: .*: found no training labels, exp"):
        datasets.known(CATALOGUE, {"mine": str(folder)})


def test_a_large_dataset_is_read_once(folder, tmp_path_factory, monkeypatch):
    """A summary is kept until a file changes, however little of its time and size does."""

    def own():
        reads.clear()
        return datasets.known(CATALOGUE, {"mine": str(folder)})["mine"]

    reads = []
    monkeypatch.chdir(tmp_path_factory.mktemp("checkout"))
    monkeypatch.setattr(datasets, "MIN_SECONDS", 0)
    monkeypatch.setattr(datasets, "summarize", lambda each: reads.append(each) or summarize(each))
    before = own()
    assert (own(), len(reads)) == (before, 1)  # too new: it could change and keep its time
    monkeypatch.setattr(datasets, "MIN_AGE_SECONDS", 0)
    assert (own(), len(reads)) == (before, 1)
    assert (own(), len(reads)) == (before, 0)

    for path in (os.path.relpath(folder), folder.parent / "link"):
        (folder.parent / "link").unlink(missing_ok=True)
        (folder.parent / "link").symlink_to(folder)
        assert datasets.known(CATALOGUE, {"mine": str(path)})["mine"].digest == before.digest
        assert len(reads) == 0

    (kept,) = datasets.SUMMARIES.iterdir()
    kept.write_text(kept.read_text()[:9])
    assert (own(), len(reads)) == (before, 1)

    labels = folder / PUBLISHED["test_labels"].removesuffix(".gz")
    idx.write(labels, np.ones(20, dtype=np.uint8))
    assert (own(), len(reads)) == (before, 1)
    status = labels.stat()
    idx.write(labels, np.zeros(20, dtype=np.uint8))
    os.utime(labels, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (labels.stat().st_size, labels.stat().st_mtime) == (status.st_size, status.st_mtime)
    assert own().digest != before.digest


def test_a_summary_of_files_that_change_while_they_are_read_is_not_kept(
    folder, tmp_path_factory, monkeypatch
):
    """As a link to one of two versions, which is switched and later switched back."""
    base = tmp_path_factory.mktemp("versions")
    link = base / "link"
    for version in ("old", "new"):
        shutil.copytree(folder, base / version)
    idx.write(base / "new" / PUBLISHED["test_labels"], np.zeros(20, dtype=np.uint8))
    monkeypatch.chdir(tmp_path_factory.mktemp("checkout"))
    monkeypatch.setattr(datasets, "MIN_SECONDS", 0)
    monkeypatch.setattr(datasets, "MIN_AGE_SECONDS", 0)

    def point_to(version):
        link.unlink(missing_ok=True)
        link.symlink_to(base / version)

    def switched(originals):
        point_to("new")
        return summarize(originals)

    def digest():
        return datasets.known(CATALOGUE, {"mine": str(link)})["mine"].digest

    expected = {version: summarize(find(base / version)).digest for version in ("old", "new")}
    point_to("old")
    with monkeypatch.context() as patch:
        patch.setattr(datasets, "summarize", switched)
        assert digest() == expected["new"]
    point_to("old")
    assert digest() == expected["old"]
    assert digest() == expected["old"]  # now from the kept summary


def test_a_small_dataset_is_read_each_time(folder, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("checkout"))
    monkeypatch.setattr(datasets, "MIN_AGE_SECONDS", 0)
    datasets.known(CATALOGUE, {"mine": str(folder)})
    assert not datasets.SUMMARIES.exists()


def test_a_published_name_cannot_be_reused(folder):
    with pytest.raises(InputError, match=r"own_datasets\.mnist: this name is taken"):
        datasets.known(CATALOGUE, {"mnist": str(folder)})
