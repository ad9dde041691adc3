"""Arrays on disk: mapped, checked, and never a pickle."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from batch_race.errors import InputError
from batch_race.store import arrays
from nn.network import Weights

ARRAYS = {
    "columns": np.array([3, 0, 1, 2]),
    "train_images": np.arange(12, dtype=np.uint8).reshape(3, 4),
    "train_labels": np.array([1, 0, 9], dtype=np.uint8),
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
    examples = arrays.open_examples(paths, "train")
    for images, name in ((examples.images, "images"), (examples.arranged.dense, "dense")):
        assert isinstance(images, np.memmap)
        assert not images.flags.writeable
        assert np.array_equal(images, ARRAYS[f"train_{name}"])
    assert np.array_equal(examples.labels, ARRAYS["train_labels"])
    assert np.array_equal(examples.arranged.columns, ARRAYS["columns"])


def test_a_sparse_matrix_comes_back_as_it_was(paths):
    sparse = arrays.open_examples(paths, "train").arranged.sparse
    assert sparse.dtype == np.uint8
    assert np.array_equal(sparse.toarray(), SPARSE.toarray())


@pytest.mark.parametrize(
    "parts",
    [
        {"indices": np.array([0, 2], dtype=np.int32)},  # of two columns
        {"indices": np.array([0, -1], dtype=np.int32)},
        {"indices": np.array([0.0, 1.0])},
        {"indptr": np.array([0, 1, 1, 3], dtype=np.int32)},
        {"indptr": np.array([0, 2, 1, 2], dtype=np.int32)},
        {"indptr": np.array([0, 1, 1, 2])},  # of 64 bits
        {"shape": np.array([4, 2])},
        {"shape": np.array([2])},
        {"shape": np.array(["3", "2"])},
        {"data": SPARSE.data[:1]},
        {"data": np.array([1.0, np.nan])},
        {"data": np.array(["1", "2"])},
    ],
)
def test_parts_that_make_no_matrix_are_refused(paths, parts):
    right = {"data": SPARSE.data, "indices": SPARSE.indices, "indptr": SPARSE.indptr}
    np.savez(paths["train_sparse"], **(right | {"shape": np.array(SPARSE.shape)} | parts))
    with pytest.raises(InputError, match=r"sparse\.npz: (found|expected) .*, (found|expected) "):
        arrays.open_examples(paths, "train")


def test_a_sparse_matrix_that_is_not_there_is_named(paths):
    paths["train_sparse"].unlink()
    with pytest.raises(
        InputError, match="expected the arrays data, indices, indptr and shape, fou"
    ):
        arrays.open_examples(paths, "train")


@pytest.mark.parametrize("wrong", [ARRAYS["train_images"].astype(float), ARRAYS["train_labels"]])
def test_another_array_is_refused(paths, wrong):
    arrays.write(paths["train_images"], wrong)
    with pytest.raises(InputError, match="expected uint8 in 2"):
        arrays.open_examples(paths, "train")


def test_a_truncated_array_is_refused(paths):
    paths["train_images"].write_bytes(paths["train_images"].read_bytes()[:-1])
    with pytest.raises(InputError, match=r"images\.npy"):
        arrays.open_examples(paths, "train")


def test_weights_come_back_as_they_were(tmp_path):
    path = tmp_path / "weights.npz"
    weights = Weights(np.ones((3, 2), np.float32), np.zeros((3, 10), np.float32))
    arrays.write_weights(path, weights)
    again = arrays.read_weights(path)
    assert all(np.array_equal(a, b) for a, b in zip(weights, again, strict=True))


@pytest.mark.parametrize(
    "content", [{"w1": np.ones(1)}, {"w1": np.array([{}], dtype=object), "w2": np.ones(1)}]
)
def test_other_weights_are_refused(tmp_path, content):
    path = tmp_path / "weights.npz"
    np.savez(path, **content)
    with pytest.raises(InputError, match="expected the arrays w1 and w2 without pickle"):
        arrays.read_weights(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="expected the arrays w1 and w2 without pickle"):
        arrays.read_weights(path)
    path.write_bytes(b"no zip")
    with pytest.raises(InputError, match="expected the arrays w1 and w2 without pickle"):
        arrays.read_weights(path)
