"""The inputs of pixels, the classes of labels."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from nn.engine import ready
from nn.examples import Examples, class_indices, pixel_scaling
from nn.ordering import arrange, order_columns

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (50, 9), dtype=np.uint8)
LABELS = RANDOM.integers(0, 10, 50)


def inputs(kind, rows=slice(0, 50)):
    return ready(Examples(IMAGES, LABELS, pixel_scaling(kind, IMAGES))).inputs(rows)


def test_raw_inputs_are_the_pixels():
    assert np.array_equal(inputs("raw"), IMAGES)
    assert inputs("raw").dtype == np.float32


def test_unit_inputs_go_from_0_to_1():
    assert inputs("unit") == pytest.approx(IMAGES / 255, rel=1e-6)


def test_standardized_inputs_have_mean_0_and_deviation_1():
    standardized = inputs("standardized").astype(np.float64)
    assert standardized.mean() == pytest.approx(0, abs=1e-6)
    assert standardized.std() == pytest.approx(1, rel=1e-6)


def test_images_without_contrast_are_only_shifted():
    flat = np.full((4, 9), 17, dtype=np.uint8)
    x = ready(Examples(flat, LABELS[:4], pixel_scaling("standardized", flat))).inputs(slice(0, 4))
    assert np.array_equal(x, np.zeros((4, 9)))


def test_some_rows():
    rows = np.array([3, 3, 40])
    assert np.array_equal(inputs("raw", rows), IMAGES[rows])


@pytest.mark.parametrize("kind", ["raw", "unit", "standardized"])
@pytest.mark.parametrize("rows", [slice(0, 50), slice(7, 30), np.array([3, 3, 40, 0])])
def test_arranged_images_are_the_same_inputs(rows, kind):
    images = IMAGES.copy()
    images[:, 4] = images[:-1, 2] = images[6:, 7] = 0
    plain = Examples(images, LABELS, pixel_scaling(kind, images))
    arranged = ready(plain._replace(arranged=arrange(images, order_columns(images))))
    assert arranged.dense.shape[1] == (9 if kind == "standardized" else 7)
    assert np.array_equal(arranged.inputs(rows), ready(plain).inputs(rows)[:, arranged.columns])


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": np.arange(8)},
        {"columns": np.arange(10)},
        {"columns": np.zeros(9, dtype=int)},
        {"dense": IMAGES[:-1]},
        {"sparse": csr_array((51, 0), dtype=np.uint8)},
    ],
)
def test_arranged_images_that_do_not_fit_are_refused(changes):
    arranged = arrange(IMAGES, order_columns(IMAGES))._replace(**changes)
    with pytest.raises(ValueError, match="examples: found"):
        ready(Examples(IMAGES, LABELS, arranged=arranged))


def test_an_unknown_scaling_is_named():
    with pytest.raises(ValueError, match="found 'row', expected raw, unit or standardized"):
        pixel_scaling("row", IMAGES)


def test_one_hot_labels_are_class_indices():
    one_hot = np.eye(10, dtype=np.uint8)[LABELS]
    assert np.array_equal(class_indices(one_hot), LABELS)
    assert np.array_equal(class_indices(LABELS.astype(np.uint8)), LABELS)


@pytest.mark.parametrize(
    "labels",
    [np.zeros((3, 10)), np.ones((3, 10)), np.eye(3) * 2, np.zeros((2, 2, 2)), np.array([0.5])],
)
def test_other_labels_are_refused(labels):
    with pytest.raises(ValueError, match="expected integers in one dimension or rows of 0"):
        class_indices(labels)
