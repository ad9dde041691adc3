"""Pictures converted to MNIST's format."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from batch_race.data import idx, pictures, strokes
from batch_race.errors import InputError


def test_an_idx_file_is_not_changed(tmp_path):
    digits, _ = strokes.draw(5, 1)
    path = tmp_path / "some-images-idx3-ubyte.gz"
    idx.write(path, digits)
    assert np.array_equal(pictures.read(path), digits.reshape(5, 784))


@pytest.mark.parametrize("is_dark_on_light", [False, True])
def test_a_picture_of_the_right_size_is_at_most_inverted(tmp_path, is_dark_on_light):
    digits, _ = strokes.draw(1, 1)
    picture = 255 - digits[0] if is_dark_on_light else digits[0]
    Image.fromarray(picture).save(tmp_path / "digit.png")
    assert np.array_equal(pictures.read(tmp_path / "digit.png"), digits.reshape(1, 784))


def test_a_large_picture_is_scaled_and_centred(tmp_path):
    # A black T, 200 wide and 300 high, off the centre of a white page, in colour.
    picture = Image.new("RGB", (900, 700), "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((500, 100, 699, 139), fill="black")
    draw.rectangle((580, 100, 619, 399), fill="black")
    picture.save(tmp_path / "digit.png")
    image = pictures.read(tmp_path / "digit.png").reshape(28, 28).astype(float)
    rows, columns = np.nonzero(image > 127)
    assert rows.max() - rows.min() + 1 == 20
    assert columns.max() - columns.min() + 1 == pytest.approx(20 * 200 / 300, abs=1)
    centre = [(image.sum(axis=1 - axis) @ (np.arange(28) + 0.5)) / image.sum() for axis in (0, 1)]
    assert centre == pytest.approx([14, 14], abs=0.6)


def test_an_empty_page_is_an_empty_image():
    assert not pictures.as_mnist(np.full((100, 80), 255, dtype=np.uint8)).any()


def test_enlarged_mnist_digits_are_recognized_as_before(mnist_folder):
    # By their nearest neighbours.
    digits = idx.read(mnist_folder / "t10k-images-idx3-ubyte.gz", (None, 28, 28))[:200]
    labels = idx.read(mnist_folder / "t10k-labels-idx1-ubyte.gz", (None,))[:200]
    known = idx.read(mnist_folder / "train-images-idx3-ubyte.gz", (None, 28, 28))[:5000]
    known_labels = idx.read(mnist_folder / "train-labels-idx1-ubyte.gz", (None,))[:5000]
    known = known.reshape(-1, 784) / np.linalg.norm(known.reshape(-1, 784), axis=1, keepdims=True)

    def accuracy(pixels):
        return (known_labels[(pixels.reshape(-1, 784) @ known.T).argmax(axis=1)] == labels).mean()

    large = [
        Image.fromarray(255 - digit).resize((280, 280), Image.Resampling.BICUBIC)
        for digit in digits
    ]
    back = np.array([pictures.as_mnist(np.asarray(picture)) for picture in large])
    assert accuracy(digits.astype(float)) > 0.9
    assert accuracy(back.astype(float)) > accuracy(digits.astype(float)) - 0.03


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_picture_is_refused(tmp_path, content):
    path = tmp_path / "digit.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"digit.png: expected a picture or an idx file, found"):
        pictures.read(path)
    with pytest.raises(InputError, match="found no such file, expected a picture"):
        pictures.read(tmp_path / "other.png")
