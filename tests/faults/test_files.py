"""Damaged, edited and older files: refused with their name, never read as a result."""

import gzip
import importlib.util
import json
import random
import re
import struct
import subprocess
import sys
import tracemalloc

import numpy as np
import polars as pl
import pytest

from batch_race.data import idx
from batch_race.errors import InputError
from batch_race.run import checkpoint
from batch_race.store import arrays, history, parquet
from nn.budget import Budget
from nn.network import Weights
from tests.conftest import PUBLISHED, ROOT
from tests.unit.run.test_checkpoint import PER_EPOCH, state
from tests.unit.store.test_history import METADATA, TABLE


def flipped(whole, count=500):
    """Yield copies of a file with one random bit flipped in each."""
    random_numbers = random.Random(1)
    for _ in range(count):
        index, bit = random_numbers.randrange(len(whole)), random_numbers.randrange(8)
        yield whole[:index] + bytes([whole[index] ^ 1 << bit]) + whole[index + 1 :]


def test_a_history_with_a_flipped_bit_is_refused(tmp_path):
    path = tmp_path / "history.parquet"
    history.write(path, TABLE, METADATA)
    for content in flipped(path.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(InputError, match="found a table that is damaged"):
            history.read(path)


@pytest.mark.parametrize("keep", [0, 4, 100, -1, -8])
def test_a_truncated_table_is_refused(tmp_path, keep):
    path = tmp_path / "table.parquet"
    parquet.write(path, TABLE)
    path.write_bytes(path.read_bytes()[:keep])  # -8 is without the end of the footer
    with pytest.raises(InputError, match=r"table\.parquet: found a table that is damaged"):
        parquet.read(path)


def test_other_programs_can_read_a_table(tmp_path):
    parquet.write(tmp_path / "table.parquet", TABLE)
    assert pl.read_parquet(tmp_path / "table.parquet").equals(TABLE)


def test_weights_with_a_flipped_bit_are_refused_or_unchanged(tmp_path):
    path = tmp_path / "weights.npz"
    weights = Weights(np.ones((3, 2), np.float32), np.ones((3, 10), np.float32))
    arrays.write_weights(path, weights)
    refused = 0
    for content in flipped(path.read_bytes()):
        path.write_bytes(content)
        try:
            again = arrays.read_weights(path)
        except InputError:
            refused += 1
        else:
            assert all(np.array_equal(a, b) for a, b in zip(weights, again, strict=True))
    assert refused > 250


def test_a_checkpoint_with_a_flipped_bit_is_ignored_or_unchanged(tmp_path):
    folder = tmp_path / "run" / "60_seconds"
    saved = state(30)
    checkpoint.save(folder, saved, [], "here")
    path = checkpoint.path_of(folder, "here")
    ignored = 0
    for content in flipped(path.read_bytes()):
        path.write_bytes(content)
        found = checkpoint.latest(folder, Budget(steps=100), PER_EPOCH, "here")
        ignored += found is None
        if found:
            assert found.state.evaluations == saved.evaluations
            pairs = zip(found.state.weights, saved.weights, strict=True)
            assert all(np.array_equal(a, b) for a, b in pairs)
    assert ignored > 250


def test_an_edited_history_is_refused_until_it_is_removed(project):
    project.edit_config(batch_size=32)
    project.run("--until", "collect")
    (path,) = project.folder.glob("results/train/*/*/*/history.parquet")
    table, texts = pl.read_parquet(path), pl.read_parquet_metadata(path)
    before = history.read(path)[0]["training_loss"].to_list()
    texts.pop("ARROW:schema", None)
    # Edited, with the metadata of the file.
    table.with_columns(pl.col("training_loss") / 2).write_parquet(path, metadata=texts)
    collected = project.folder / "results/collect/race/histories.parquet"
    collected.unlink()
    printed = project.refusal("--until", "collect")
    assert (
        f"{path.relative_to(project.folder)}: found a table that is damaged, edited or" in printed
    )
    assert not collected.exists()

    path.unlink()
    project.run("--until", "collect")
    assert history.read(path)[0]["training_loss"].to_list() == before
    # And a history of another format.
    texts = {key: json.dumps(value) for key, value in METADATA.items()}
    parquet.write(path, table, {"format": "0", **texts})
    printed = project.refusal("--until", "collect")
    assert f"found a history of format 0, expected {history.FORMAT}; remove it, and the" in printed


def test_images_and_labels_are_told_apart_by_content(project):
    data = project.folder.parent / "digits"
    images, labels = (data / PUBLISHED[f"train_{kind}"] for kind in ("images", "labels"))
    contents = images.read_bytes(), labels.read_bytes()
    images.write_bytes(contents[1])
    labels.write_bytes(contents[0])
    project.run("--until", "parse")
    images.write_bytes(contents[0])
    printed = project.refusal("--until", "parse")
    found = f"{images.name}, {labels.name} for the training images, expected one of them"
    assert f"own_datasets.digits: ../digits: found {found}" in printed
    labels.write_bytes(contents[1])
    assert "parse" not in project.jobs()  # the same dataset


def test_an_archive_that_announces_more_than_the_memory_costs_none(tmp_path):
    path = tmp_path / "bomb.gz"
    sizes = (2**32 - 1, 1024, 1024)
    path.write_bytes(gzip.compress(struct.pack(">HBB3I", 0, 8, 3, *sizes) + bytes(100_000_000)))
    assert path.stat().st_size < 200_000
    tracemalloc.start()
    with pytest.raises(InputError, match=r"expected at most the .* bytes of free memory"):
        idx.read(path, (None, None, None))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 1_000_000


def test_the_message_for_a_header_of_many_dimensions_is_short(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(struct.pack(">HBB255I", 0, 8, 255, *[2**32 - 1] * 255))
    with pytest.raises(InputError, match="found 255 dimension") as error:
        idx.read(path, (None,))
    assert len(str(error.value)) < 200 + len(str(path))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        idx.read_header(tmp_path / "none")


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="atheris is not installed (requirements-fuzz.lock; it has wheels for Linux only)",
)
def test_a_fuzzer_finds_no_other_error():
    """Ten seconds; docs/reliability.md has the outcome of a longer search."""
    command = [sys.executable, "-m", "tests.faults.fuzz_idx", "--seconds", "10"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    (runs,) = re.findall(r"number_of_executed_units: (\d+)", done.stderr)
    assert int(runs) > 1000
