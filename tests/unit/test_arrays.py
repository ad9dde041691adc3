"""Arrays on disk: mapped, checked, and never a pickle."""

import numpy as np
import pytest

from nn.network import Weights
from workflow.scripts.common import arrays
from workflow.scripts.common.errors import InputError

ARRAYS = {
    "columns": np.array([3, 0, 1, 2]),
    "train_images": np.arange(12, dtype=np.uint8).reshape(3, 4),
    "train_lengths": np.array([4, 4, 4], dtype=np.int32),
    "train_order": np.array([2, 0, 1]),
    "train_labels": np.array([1, 0, 9], dtype=np.uint8),
}


@pytest.fixture
def paths(tmp_path):
    named = {name: tmp_path / f"{name}.npy" for name in ARRAYS}
    for name, path in named.items():
        arrays.write(path, ARRAYS[name])
    return named


def test_images_are_mapped_and_not_read(paths):
    examples = arrays.open_examples(paths, "train")
    assert isinstance(examples.images, np.memmap)
    assert not examples.images.flags.writeable
    assert np.array_equal(examples.images, ARRAYS["train_images"])
    assert np.array_equal(examples.labels, ARRAYS["train_labels"])
    assert np.array_equal(examples.lengths, ARRAYS["train_lengths"])
    assert np.array_equal(examples.order, ARRAYS["train_order"])
    assert np.array_equal(examples.columns, ARRAYS["columns"])


def test_a_pickle_is_refused(paths):
    np.save(paths["train_images"], np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"images\.npy: expected a .npy file without pickle"):
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
