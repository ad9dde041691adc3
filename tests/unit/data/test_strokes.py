"""The embedded dataset: the same bytes everywhere, and neither trivial nor impossible to learn."""

import hashlib

import numpy as np
import pytest

from batch_race.data import strokes

# Of all images and labels as first drawn; a change here is another dataset.
TRAIN_SHA256 = "ec815ea047a4fd3ce48e29af41dba7e8aa54e99ad59ece950f411edd347522b2"
TEST_SHA256 = "6b90adb9a09c5ca9d719b39b6520984aab21cfeea7984e770f78b9d6184d8d52"


def digest(n_images, seed):
    images, labels = strokes.draw(n_images, seed)
    # No image occurs twice.
    assert len({image.tobytes() for image in images}) == n_images
    return hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()


def test_same_bytes_everywhere():
    assert digest(strokes.N_TRAIN, strokes.TRAIN_SEED) == TRAIN_SHA256
    assert digest(strokes.N_TEST, strokes.TEST_SEED) == TEST_SHA256


def test_a_segment_is_drawn_completely(monkeypatch):
    """Nothing lies outside of the patch around each segment."""
    images, _ = strokes.draw(1000, strokes.TRAIN_SEED)
    monkeypatch.setattr(strokes, "PATCH", strokes.SIDE)
    whole, _ = strokes.draw(1000, strokes.TRAIN_SEED)
    assert np.array_equal(images, whole)


@pytest.mark.parametrize("n_images", [1, 9, 10, 1013])
def test_shapes_and_balance(n_images):
    images, labels = strokes.draw(n_images, seed=7)
    assert images.shape == (n_images, 28, 28)
    assert images.dtype == labels.dtype == np.uint8
    counts = np.bincount(labels, minlength=10)
    assert counts.max() - counts.min() <= 1


def test_looks_like_ink_on_black():
    images, _ = strokes.draw(2000, seed=7)
    assert 0.7 < np.mean(images == 0) < 0.85
    assert images.max() == 255
    # No digit is cut off: the frame of one pixel has almost no ink.
    frame = np.ones((28, 28), dtype=bool)
    frame[1:-1, 1:-1] = False
    assert np.mean(images[:, frame] > 100) < 0.02


def test_training_and_test_images_differ():
    train, _ = strokes.draw(2000, strokes.TRAIN_SEED)
    test, _ = strokes.draw(2000, strokes.TEST_SEED)
    seen = {image.tobytes() for image in train}
    assert len(seen) == 2000
    assert not any(image.tobytes() in seen for image in test)


def softmax_error(logits, labels):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True) - np.eye(10)[labels]


@pytest.mark.slow
def test_a_hidden_layer_helps():
    """A network is much better than a linear softmax; both are written out here."""
    images, y = strokes.draw(20_000, strokes.TRAIN_SEED)
    test_images, test_y = strokes.draw(4_000, strokes.TEST_SEED)
    x = images.reshape(-1, 784) / np.float32(255)
    test_x = test_images.reshape(-1, 784) / np.float32(255)
    random = np.random.default_rng(1)
    linear = np.zeros((784, 10))
    w1, w2 = random.normal(0, 0.05, (784, 200)), random.normal(0, 0.05, (200, 10))
    for epoch in range(6):
        learning_rate = 0.6 * 0.7**epoch
        for rows in np.split(random.permutation(len(x)), len(x) // 50):
            batch = x[rows]
            linear -= learning_rate / 50 * batch.T @ softmax_error(batch @ linear, y[rows])
            hidden = 1 / (1 + np.exp(-batch @ w1))
            error = softmax_error(hidden @ w2, y[rows])
            hidden_error = error @ w2.T * hidden * (1 - hidden)
            w2 -= learning_rate / 50 * hidden.T @ error
            w1 -= 5 * learning_rate / 50 * batch.T @ hidden_error
    linear_accuracy = np.mean((test_x @ linear).argmax(axis=1) == test_y)
    network = (1 / (1 + np.exp(-test_x @ w1))) @ w2
    network_accuracy = np.mean(network.argmax(axis=1) == test_y)
    assert network_accuracy > 0.9
    assert 0.75 < linear_accuracy < network_accuracy - 0.03
