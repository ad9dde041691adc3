"""The arrays of a dataset: mapped into memory, and checked."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from batch_race.data.examples import open_examples
from batch_race.errors import InputError
from batch_race.store import arrays

ARRAYS = {
    "columns": np.array([3, 0, 1, 2]),
    "train_images": np.arange(12, dtype=np.uint8).reshape(3, 4),
    "train_labels": np.array([1, 0, 900], dtype=np.uint16),
    "train_dense": np.array([[3, 0], [7, 4], [11, 8]], dtype=np.uint8),
}
SPARSE = csr_array(np.array([[1, 0], [0, 0], [0, 5]], dtype=np.uint8))


@pytest.fixture
def paths(tmp_path):
    named = {name: tmp_path / f"{name}.npy" for name in ARRAYS}
    for name, path in named.items():
        arrays.write(path, ARRAYS[name])
    named["train_sparse"] = tmp_path / "train_sparse.npz"
    arrays.write_sparse(named["train_sparse"], SPARSE)
    return named


def test_images_are_mapped_and_not_read(paths):
    examples = open_examples(paths, "train")
    for images, name in ((examples.images, "images"), (examples.arranged.dense, "dense")):
        assert isinstance(images, np.memmap)
        assert not images.flags.writeable
        assert np.array_equal(images, ARRAYS[f"train_{name}"])
    assert np.array_equal(examples.labels, ARRAYS["train_labels"])
    assert np.array_equal(examples.arranged.columns, ARRAYS["columns"])
    assert np.array_equal(examples.arranged.sparse.toarray(), SPARSE.toarray())


@pytest.mark.parametrize("wrong", [ARRAYS["train_images"].astype(float), ARRAYS["train_labels"]])
def test_other_images_are_refused(paths, wrong):
    arrays.write(paths["train_images"], wrong)
    with pytest.raises(InputError, match="expected uint8 in 2"):
        open_examples(paths, "train")


@pytest.mark.parametrize("name", ["columns", "train_labels", "train_dense"])
def test_other_small_arrays_are_refused(paths, name):
    arrays.write(paths[name], ARRAYS[name].astype(np.float32))
    with pytest.raises(InputError, match=rf"{name}\.npy: found float32 in . dim.*, expected u?int"):
        open_examples(paths, "train")


def test_truncated_images_are_refused(paths):
    paths["train_images"].write_bytes(paths["train_images"].read_bytes()[:-1])
    with pytest.raises(InputError, match=r"images\.npy: expected a \.npy file without pickle"):
        open_examples(paths, "train")


def test_missing_images_are_named(paths):
    paths["train_images"].unlink()
    with pytest.raises(InputError, match=r"images\.npy: cannot be read: No such file"):
        open_examples(paths, "train")
