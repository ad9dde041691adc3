"""Arrays on disk: checked, and never a pickle."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from batch_race.errors import InputError
from batch_race.store import arrays
from nn.network import Weights

SPARSE = csr_array(np.array([[1, 0], [0, 0], [0, 5]], dtype=np.uint8))


def test_an_array_is_mapped_as_it_was_written(tmp_path):
    path = tmp_path / "array.npy"
    array = np.arange(6, dtype=np.int64).reshape(2, 3)
    arrays.write(path, array)
    mapped = arrays.open_mapped(path, np.int64, 2)
    assert isinstance(mapped, np.memmap)
    assert not mapped.flags.writeable
    assert np.array_equal(mapped, array)
    for dtype, dimensions in ((np.int32, 2), (np.int64, 1)):
        expected = f"found int64 in 2 dim.*, expected {np.dtype(dtype)} in {dimensions}"
        with pytest.raises(InputError, match=expected):
            arrays.open_mapped(path, dtype, dimensions)


def test_an_array_that_needs_pickle_is_not_opened(tmp_path):
    path = tmp_path / "array.npy"
    np.save(path, np.array([{}], dtype=object))
    with pytest.raises(InputError, match=r"array\.npy: expected a \.npy file without pickle"):
        arrays.open_mapped(path, object, 1)


def test_a_sparse_matrix_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "sparse.npz"
    arrays.write_sparse(path, SPARSE)
    sparse = arrays.read_sparse(path)
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
def test_arrays_that_make_no_sparse_matrix_are_refused(tmp_path, parts):
    path = tmp_path / "sparse.npz"
    right = {"data": SPARSE.data, "indices": SPARSE.indices, "indptr": SPARSE.indptr}
    np.savez(path, **(right | {"shape": np.array(SPARSE.shape)} | parts))
    with pytest.raises(InputError, match=r"sparse\.npz: (found|expected) .*, (found|expected) "):
        arrays.read_sparse(path)


def test_a_missing_sparse_matrix_is_named(tmp_path):
    expected = r"none\.npz: expected the arrays data, indices, indptr, shape, found no such file"
    with pytest.raises(InputError, match=expected):
        arrays.read_sparse(tmp_path / "none.npz")


def test_weights_are_read_as_they_were_written(tmp_path):
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
    with pytest.raises(InputError, match="expected the arrays w1, w2 without pickle"):
        arrays.read_weights(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="expected the arrays w1, w2 without pickle"):
        arrays.read_weights(path)
    path.write_bytes(b"no zip")
    with pytest.raises(InputError, match="expected the arrays w1, w2 without pickle"):
        arrays.read_weights(path)


def test_a_single_missing_array_is_named(tmp_path):
    with pytest.raises(InputError, match="expected the arrays text, found no such file"):
        arrays.read_npz(tmp_path / "none.npz", "text")
