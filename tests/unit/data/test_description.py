"""The classes and images of a dataset, described from its training examples."""

from pathlib import Path

import numpy as np
import pytest

from batch_race.data import description, idx, strokes
from batch_race.data.description import Description
from batch_race.errors import InputError

PATH = Path("train-labels")


def array(*labels, dtype=np.uint8):
    return np.array(labels, dtype=dtype)


@pytest.mark.parametrize(
    ("labels", "known"),
    [
        (array(0, 1, 9, 4), range(10)),  # those in between may be missing
        (array(1, 26, 2), range(1, 27)),
        (array(-3, 996, dtype=np.int32), range(-3, 997)),
        (array(7, 8), range(7, 9)),
    ],
)
def test_classes_are_the_range_of_the_training_labels(labels, known):
    assert description.label_range(labels, PATH) == known
    indices = description.index_labels(labels, known, PATH)
    assert indices.dtype == np.uint16
    assert [known[index] for index in indices] == labels.tolist()


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (array(5, 5), "labels from 5 to 5"),
        (array(0, 1000, dtype=np.int32), "labels from 0 to 1000"),
        (array(-(2**31), 2**31 - 1, dtype=np.int32), "labels from -2147483648 to 2147483647"),
    ],
)
def test_too_few_or_too_many_classes(labels, found):
    expected = f"train-labels: found {found}, expected a range of 2 to 1,000 classes"
    with pytest.raises(InputError, match=expected):
        description.label_range(labels, PATH)


@pytest.mark.parametrize(("label", "labels"), [(0, (1, 0, 26)), (27, (1, 27)), (-1, (5, -1))])
def test_a_test_label_outside_the_range(label, labels):
    message = f"test-labels: found the label {label}, expected 1 to 26, the range of the training"
    with pytest.raises(InputError, match=message):
        description.index_labels(array(*labels, dtype=np.int32), range(1, 27), Path("test-labels"))


def test_a_class_is_named_or_has_its_label_as_its_name():
    images, _ = strokes.draw(50, 1)
    described = description.describe(images, range(1, 4), {})
    assert described == Description(["1", "2", "3"], 28, 28, "dark", described.side)
    names = {1: "A", 2: "b", 9: "none"}
    assert description.describe(images, range(1, 4), names).classes == ["A", "b", "3"]


def test_classes_of_one_name_are_told_apart():
    images, _ = strokes.draw(50, 1)
    names = {5: "bow", 6: "bow", 7: "8"}
    assert description.describe(images, range(5, 9), names).classes == [
        "bow (label 5)",
        "bow (label 6)",
        "8 (label 7)",
        "8 (label 8)",
    ]


def test_the_background_is_that_of_nearly_all_images():
    images, _ = strokes.draw(100, 1)
    noise = np.random.default_rng(1).integers(0, 256, (100, 28, 28), dtype=np.uint8)
    half = np.concatenate([images[:50], 255 - images[50:]])
    few = np.concatenate([images[:98], 255 - images[98:]])
    grounds = [
        description.describe(each, range(10), {}).background
        for each in (images, 255 - images, few, half, noise)
    ]
    assert grounds == ["dark", "light", "dark", "mixed", "mixed"]


def test_the_side_is_that_of_what_is_drawn():
    images = np.zeros((5, 20, 30), dtype=np.uint8)
    images[:3, 4:10, 3:20] = 200  # 6 high, 17 wide
    images[3, 2:16, 5:9] = 200  # 14 high; the last image is blank
    for each in (images, 255 - images):
        assert description.describe(each, range(2), {}).side == 17
    assert description.describe(np.zeros_like(images), range(2), {}).side == 30


def test_a_drawing_in_mnist_is_20_pixels_long(mnist_folder):
    images = idx.read(mnist_folder / "t10k-images-idx3-ubyte.gz", (None, None, None))
    assert description.describe(images, range(10), {})[1:] == (28, 28, "dark", 20)


def test_a_description_is_read_as_it_was_written(tmp_path):
    written = Description(["a b", "é"], 20, 30, "light", 17)
    description.write(tmp_path / "description.json", written)
    assert description.read(tmp_path / "description.json") == written
