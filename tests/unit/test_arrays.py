"""Arrays on disk: mapped, checked, and never a pickle."""

import numpy as np
import pytest

from nn.network import Weights
from workflow.scripts.common import arrays
from workflow.scripts.common.errors import InputError

IMAGES = np.arange(12, dtype=np.uint8).reshape(3, 4)
LABELS = np.array([1, 0, 9], dtype=np.uint8)


@pytest.fixture
def paths(tmp_path):
    images, labels = tmp_path / "images.npy", tmp_path / "labels.npy"
    arrays.write(images, IMAGES)
    arrays.write(labels, LABELS)
    return images, labels


def test_images_are_mapped_and_not_read(paths):
    examples = arrays.open_examples(*paths)
    assert isinstance(examples.images, np.memmap)
    assert not examples.images.flags.writeable
    assert np.array_equal(examples.images, IMAGES)
    assert np.array_equal(examples.labels, LABELS)


def test_a_pickle_is_refused(paths):
    np.save(paths[0], np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"images.npy: expected a .npy file without pickle"):
        arrays.open_examples(*paths)


@pytest.mark.parametrize("wrong", [IMAGES.astype(float), IMAGES[0]])
def test_another_array_is_refused(paths, wrong):
    arrays.write(paths[0], wrong)
    with pytest.raises(InputError, match="expected uint8 in 2"):
        arrays.open_examples(*paths)


def test_a_truncated_array_is_refused(paths):
    paths[0].write_bytes(paths[0].read_bytes()[:-1])
    with pytest.raises(InputError, match=r"images\.npy"):
        arrays.open_examples(*paths)


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
    with pytest.raises(InputError, match="expected weights w1 and w2 without pickle"):
        arrays.read_weights(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="expected weights w1 and w2 without pickle"):
        arrays.read_weights(path)
    path.write_bytes(b"no zip")
    with pytest.raises(InputError, match="expected weights w1 and w2 without pickle"):
        arrays.read_weights(path)
