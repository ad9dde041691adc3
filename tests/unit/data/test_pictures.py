"""Pictures converted to images like those of the training data.

Whatever a picture carries beside its pixels, the result is that of the opaque, upright, grey one.
"""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw, ImageOps, PngImagePlugin

from batch_race.data import idx, pictures, strokes
from batch_race.data.description import Description
from batch_race.errors import InputError

TEN = [str(digit) for digit in range(10)]
MNIST = Description(TEN, 28, 28, "dark", 20)
LIGHT = MNIST._replace(background="light")
MIXED = MNIST._replace(background="mixed")


def drawing(ink="black", paper="white", mode="L"):
    """Return a seven, larger than an MNIST image and off the centre."""
    picture = Image.new(mode, (90, 140), paper)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((20, 30, 69, 41), fill=ink)
    draw.polygon([(58, 41), (69, 41), (45, 120), (33, 120)], fill=ink)
    return picture


def read(picture, tmp_path, data=MNIST, suffix="png", **options):
    """Save a picture, and read it as an image of the training data's shape."""
    path = tmp_path / f"digit.{suffix}"
    picture.save(path, **options)
    images = pictures.read(path, data)
    return images.reshape(-1, data.height, data.width)


@pytest.fixture
def expected(tmp_path):
    """The image of the opaque, upright, grey drawing."""
    (image,) = read(drawing(), tmp_path)
    assert image.max() > 200
    return image


def same(found, expected, tolerance=3):
    """Compare images, to the rounding of grey levels."""
    assert found.shape == (1, *expected.shape)
    difference = np.abs(found[0].astype(int) - expected)
    return difference.max() <= tolerance


@pytest.mark.parametrize("compression", ["", ".gz"])
@pytest.mark.parametrize("name", ["some-images-idx3-ubyte", "images", "images.png"])
def test_an_idx_file_is_recognized_by_its_content_and_not_changed(tmp_path, name, compression):
    digits, _ = strokes.draw(5, 1)
    path = tmp_path / f"{name}{compression}"
    idx.write(path, digits)
    assert np.array_equal(pictures.read(path, MNIST), digits.reshape(5, 784))


def test_an_idx_file_of_the_other_background_is_inverted_and_named(tmp_path, caplog):
    digits, _ = strokes.draw(40, 1)
    idx.write(tmp_path / "images", 255 - digits)
    assert np.array_equal(pictures.read(tmp_path / "images", MNIST), digits.reshape(40, 784))
    assert "images: found a light background, inverted: the network was " in caplog.text
    caplog.clear()
    assert np.array_equal(pictures.read(tmp_path / "images", LIGHT), 255 - digits.reshape(40, 784))
    assert not caplog.messages


def test_an_idx_file_of_other_sizes_is_refused(tmp_path):
    idx.write(tmp_path / "images", strokes.draw(5, 1)[0])
    with pytest.raises(InputError, match="images: found the shape 5×28×28, expected any×32×20"):
        pictures.read(tmp_path / "images", MNIST._replace(height=32, width=20))


@pytest.mark.parametrize("data", [MNIST, LIGHT])
@pytest.mark.parametrize("is_dark_on_light", [False, True])
def test_a_picture_of_the_right_size_is_at_most_inverted(tmp_path, is_dark_on_light, data, caplog):
    digits, _ = strokes.draw(1, 1)
    picture = 255 - digits[0] if is_dark_on_light else digits[0]
    wanted = 255 - digits if data is LIGHT else digits
    assert np.array_equal(read(Image.fromarray(picture), tmp_path, data), wanted)
    is_inverted = is_dark_on_light == (data is MNIST)
    assert len(caplog.messages) == is_inverted


def test_without_a_background_nothing_is_inverted(tmp_path):
    digits, _ = strokes.draw(1, 1)
    for picture in (digits, 255 - digits):
        assert np.array_equal(read(Image.fromarray(picture[0]), tmp_path, MIXED), picture)


def test_without_a_background_the_whole_picture_is_scaled(tmp_path):
    data = MIXED._replace(height=20, width=30)
    noise = np.random.default_rng(1).integers(0, 256, (20, 30), dtype=np.uint8)
    large = Image.fromarray(noise).resize((300, 200), Image.Resampling.BICUBIC)
    found = read(large, tmp_path, data)
    assert np.corrcoef(found.ravel(), noise.ravel())[0, 1] > 0.95
    with pytest.raises(InputError, match=r"of 300×300 pixels, expected the proportions .* 30×20"):
        read(large.resize((300, 300)), tmp_path, data)


def test_a_large_picture_is_scaled_and_centred(tmp_path):
    # A black T, 200 wide and 300 high, off the centre of a white page, in colour.
    picture = Image.new("RGB", (900, 700), "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((500, 100, 699, 139), fill="black")
    draw.rectangle((580, 100, 619, 399), fill="black")
    image = read(picture, tmp_path)[0].astype(float)
    rows, columns = np.nonzero(image > 127)
    assert rows.max() - rows.min() + 1 == 20
    assert columns.max() - columns.min() + 1 == pytest.approx(20 * 200 / 300, abs=1)
    centre = [(image.sum(axis=1 - axis) @ (np.arange(28) + 0.5)) / image.sum() for axis in (0, 1)]
    assert centre == pytest.approx([14, 14], abs=0.6)


@pytest.mark.parametrize("shape", [(32, 32), (20, 30), (30, 10)])
def test_a_large_picture_fits_images_of_any_size(tmp_path, shape):
    data = MNIST._replace(height=shape[0], width=shape[1], side=max(shape))
    image = read(drawing(), tmp_path, data)[0]
    rows, columns = np.nonzero(image > 127)
    height, width = rows.max() - rows.min() + 1, columns.max() - columns.min() + 1
    assert height == shape[0] or width == shape[1]
    assert height / width == pytest.approx(91 / 50, rel=0.2)


def test_the_drawing_has_the_background_of_the_training_images(tmp_path, expected):
    for picture in (drawing(), drawing("white", "black")):
        assert same(read(picture, tmp_path), expected)
        assert same(read(picture, tmp_path, LIGHT), 255 - expected)


def test_a_faint_drawing_is_seen(tmp_path, expected):
    for ink, paper in (("#a0a0a0", "#ffffff"), ("#303030", "#c8c8c8"), ("#707070", "#303030")):
        assert same(read(drawing(ink, paper), tmp_path), expected)


@pytest.mark.parametrize("shade", [0, 128, 255])
@pytest.mark.parametrize("size", [(28, 28), (90, 140)])
def test_a_blank_picture_is_found(tmp_path, shade, size):
    noise = np.random.default_rng(1).integers(-8, 8, size)
    page = Image.fromarray(np.clip(shade + noise, 0, 255).astype(np.uint8))
    images = read(page, tmp_path)
    assert pictures.is_blank(images.reshape(1, -1)).tolist() == [True]
    drawn = read(drawing(), tmp_path)
    both = np.concatenate([images, drawn]).reshape(2, -1)
    assert pictures.is_blank(both).tolist() == [True, False]


# Transparency


def shape_of(picture):
    """Return the opacity of a drawing on transparent paper."""
    return ImageOps.invert(picture)


@pytest.mark.parametrize("tone", [0, 60, 200, 255])
@pytest.mark.parametrize("hidden", [0, 255])
def test_a_drawing_on_transparent_paper(tmp_path, expected, tone, hidden):
    # Whatever grey level the transparent pixels have.
    alpha = shape_of(drawing())
    grey = Image.fromarray(np.where(np.asarray(alpha) > 0, tone, hidden).astype(np.uint8))
    two = Image.merge("LA", (grey, alpha))
    assert same(read(two, tmp_path), expected)
    assert same(read(two.convert("RGBA"), tmp_path), expected)
    assert same(read(two.convert("RGBA"), tmp_path, suffix="webp", lossless=True), expected)


@pytest.mark.parametrize(("ink", "paper"), [("black", "white"), ("white", "black")])
def test_a_card_on_transparent_ground(tmp_path, expected, ink, paper):
    # What is drawn lies on paper of its own, whose surroundings are transparent.
    ground = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    ground.paste(drawing(ink, paper, "RGB"), (150, 90))
    assert same(read(ground, tmp_path), expected)


def test_a_half_transparent_drawing(tmp_path, expected):
    alpha = shape_of(drawing()).point(lambda value: value // 3)
    two = Image.merge("LA", (Image.new("L", alpha.size, 0), alpha))
    assert same(read(two, tmp_path), expected)


def test_an_opaque_alpha_channel_changes_nothing(tmp_path, expected):
    assert same(read(drawing().convert("LA"), tmp_path), expected)


def test_a_wholly_transparent_picture_is_blank(tmp_path):
    picture = drawing(mode="RGB").convert("RGBA")
    picture.putalpha(0)
    assert pictures.is_blank(read(picture, tmp_path).reshape(1, -1)).all()


def test_one_transparent_colour(tmp_path, expected):
    # PNG's chunk tRNS, in grey, in colour and in 16 bits.
    assert same(read(drawing(), tmp_path, transparency=255), expected)
    red = drawing("black", "red", "RGB")
    assert same(read(red, tmp_path, transparency=(255, 0, 0)), expected)


# Palettes


@pytest.mark.parametrize("transparent", [None, 0])
@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_a_palette(tmp_path, expected, suffix, transparent):
    # Entry 0 is the paper: light, or transparent over black.
    options = {} if transparent is None else {"transparency": transparent}
    paper = [255, 255, 255] if transparent is None else [0, 0, 0]
    picture = drawing(ink=1, paper=0, mode="P")
    picture.putpalette(paper + [0, 0, 1] * 255)
    assert same(read(picture, tmp_path, suffix=suffix, **options), expected)


# Bits


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bits(tmp_path, expected, suffix):
    # 40,000 of 65,535 on 10,000: all above what 8 bits hold.
    deep = np.where(np.asarray(drawing()) > 0, 10_000, 40_000).astype(np.uint16)
    picture = Image.fromarray(deep)
    if suffix == "pgm":
        path = tmp_path / "digit.pgm"
        path.write_bytes(b"P5 90 140 65535\n" + deep.astype(">u2").tobytes())
        found = pictures.read(path, MNIST).reshape(-1, 28, 28)
    else:
        found = read(picture, tmp_path, suffix=suffix)
    assert same(found, expected)


def test_sixteen_bits_with_a_transparent_grey_level(tmp_path, expected):
    deep = np.where(np.asarray(drawing()) > 0, 300, 10_000).astype(np.uint16)
    assert same(read(Image.fromarray(deep), tmp_path, transparency=300), expected)


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_one_bit(tmp_path, expected, suffix):
    assert same(read(drawing().convert("1"), tmp_path, suffix=suffix), expected)


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_pixels_of_32_bits_are_refused(tmp_path, dtype):
    with pytest.raises(
        InputError, match=r"digit.tif: found pixels of 32 bits, .* expected 8 or 16"
    ):
        read(Image.fromarray(np.asarray(drawing()).astype(dtype)), tmp_path, suffix="tif")


# EXIF


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_a_picture_turned_by_exif(tmp_path, expected, orientation, suffix):
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,  # to be turned clockwise
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    picture = drawing()
    if orientation > 1:
        picture = picture.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100} if suffix == "jpg" else {}
    options |= {"lossless": True} if suffix == "webp" else {}
    found = read(picture, tmp_path, suffix=suffix, exif=exif, **options)
    assert same(found, expected, tolerance=12)


# Frames


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif", "pdf"])
def test_each_frame_is_an_image(tmp_path, expected, suffix):
    blank = Image.new("L", (90, 140), "white")
    options = {"save_all": True, "append_images": [blank, drawing("white", "black")]}
    options |= {"lossless": True} if suffix == "webp" else {}
    if suffix == "pdf":  # which Pillow writes, but does not read
        with pytest.raises(
            InputError, match=r"digit.pdf: expected a picture or an idx file, found"
        ):
            read(drawing(), tmp_path, suffix=suffix, **options)
        return
    found = read(drawing(), tmp_path, suffix=suffix, **options)
    assert len(found) == 3
    assert same(found[:1], expected)
    assert same(found[2:], expected)
    assert pictures.is_blank(found.reshape(3, -1)).tolist() == [False, True, False]


@pytest.mark.parametrize("kind", [1, 4])
def test_a_thumbnail_or_mask_in_a_tiff_is_no_image(tmp_path, expected, kind):
    page = Image.new("L", (9, 14))
    page.encoderinfo = {"tiffinfo": {254: kind}}
    assert same(
        read(drawing(), tmp_path, suffix="tif", save_all=True, append_images=[page]), expected
    )


def test_a_file_of_thumbnails_alone_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"digit.tif: found thumbnails or masks alone, expected"):
        read(drawing(), tmp_path, suffix="tif", tiffinfo={254: 1})


def test_of_a_cameras_several_pictures_the_first_is_the_image(tmp_path, expected):
    others = [drawing("white", "black").resize((45, 70))]
    found = read(
        drawing(), tmp_path, suffix="mpo", save_all=True, append_images=others, quality=100
    )
    assert same(found, expected, tolerance=12)


def photoshop(picture, layers):
    """Return a grey Photoshop file of a picture and of the layers that it was made of."""

    def block(content):
        return struct.pack(">I", len(content)) + content

    width, height = picture.size
    records = b"".join(
        struct.pack(">4iHhI", 0, 0, height, width, 1, 0, 2 + width * height)
        + b"8BIMnorm"
        + bytes([255, 0, 0, 0])
        + block(block(b"") + block(b"") + b"\1a\0\0")
        for _ in layers
    )
    channels = b"".join(b"\0\0" + layer.tobytes() for layer in layers)
    info = struct.pack(">h", len(layers)) + records + channels
    header = struct.pack(">4sH6xHIIHH", b"8BPS", 1, 1, height, width, 8, 1)
    sections = block(b"") + block(b"") + block(block(info + b"\0" * (len(info) % 2)))
    return header + sections + b"\0\0" + picture.tobytes()


def test_the_layers_of_a_photoshop_file_are_one_image(tmp_path, expected):
    path = tmp_path / "digit.psd"
    path.write_bytes(photoshop(drawing(), [drawing("white"), drawing("black", "black")]))
    with Image.open(path) as picture:
        assert picture.n_frames == 2
    assert same(pictures.read(path, MNIST).reshape(-1, 28, 28), expected)


# Colours and their profiles


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        ("RGB", "ppm"),
        ("RGB", "bmp"),
        ("CMYK", "tif"),
        ("CMYK", "jpg"),
        ("RGB", "jpg"),
        ("LAB", "tif"),
    ],
)
def test_colour_modes(tmp_path, expected, mode, suffix):
    picture = drawing("#102030", "#f0f0e0", "RGB")
    if mode == "LAB":
        lab, rgb = (ImageCms.createProfile(space) for space in ("LAB", "sRGB"))
        picture = ImageCms.profileToProfile(picture, rgb, lab, outputMode="LAB")
    else:
        picture = picture.convert(mode)
    options = {"quality": 100} if suffix == "jpg" else {}
    assert same(read(picture, tmp_path, suffix=suffix, **options), expected, tolerance=12)


def profile_of_exchanged_colours():
    """Return a profile in which red and blue are exchanged."""
    content = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for old, new in ((b"rXYZ", b"????"), (b"bXYZ", b"rXYZ"), (b"????", b"bXYZ")):
        content = content.replace(old, new, 1)
    return content


def test_a_colour_profile_is_applied(tmp_path, caplog):
    # Red on blue has less contrast in its own profile's terms than green has with either.
    picture = drawing("#ff0000", "#00a000", "RGB")
    picture.paste((0, 0, 255), (0, 60, 90, 100))
    (plain,) = read(picture, tmp_path)
    red, green, blue = picture.split()
    exchanged = Image.merge("RGB", (blue, green, red))
    found = read(exchanged, tmp_path, icc_profile=profile_of_exchanged_colours())
    assert same(found, plain)
    assert not same(read(exchanged, tmp_path), plain)
    assert not caplog.messages


def test_a_colour_profile_that_does_not_fit_is_ignored_and_named(tmp_path, expected, caplog):
    assert same(read(drawing(), tmp_path, icc_profile=b"no profile"), expected)
    assert "digit.png: found a colour profile that does not fit, ignored" in caplog.text


# What else a file may carry


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg"])
def test_pixels_that_are_not_square(tmp_path, expected, suffix):
    # As a fax: twice as many pixels to the inch across as down.
    wide = drawing().resize((180, 140), Image.Resampling.NEAREST)
    options = {"quality": 100} if suffix == "jpg" else {}
    found = read(wide, tmp_path, suffix=suffix, dpi=(200, 100), **options)
    assert same(found, expected, tolerance=12)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = wide.transpose(Image.Transpose.ROTATE_90)
    found = read(turned, tmp_path, suffix=suffix, dpi=(100, 200), exif=exif, **options)
    assert same(found, expected, tolerance=12)


def test_texts_and_other_chunks_change_nothing(tmp_path, expected):
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Comment", "a seven")
    chunks.add(b"gAMA", (45455).to_bytes(4, "big"))
    assert same(read(drawing(), tmp_path, pnginfo=chunks), expected)


def test_enlarged_mnist_digits_are_recognized_as_before(mnist_folder, tmp_path):
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
    back = np.array([pictures.fit(np.asarray(each), MNIST, tmp_path) for each in large])
    assert accuracy(digits.astype(float)) > 0.9
    assert accuracy(back.astype(float)) > accuracy(digits.astype(float)) - 0.03
    # Black on transparent, as drawing programs write it.
    for index, digit in enumerate(digits[:50]):
        alpha = Image.fromarray(digit).resize((280, 280), Image.Resampling.BICUBIC)
        seen = read(Image.merge("LA", (Image.new("L", alpha.size), alpha)), tmp_path)
        assert same(seen, back[index])


def saved(picture, suffix, **options):
    content = io.BytesIO()
    picture.save(content, suffix, **options)
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no picture",
        b"\x89PNG\r\n\x1a\n",
        b"<!DOCTYPE html><html></html>",
        saved(drawing(), "png")[:200],
        saved(drawing(), "jpeg")[:700],
        saved(drawing(), "tiff")[:500],
        saved(drawing(), "gif")[:100],
    ],
)
def test_a_file_that_is_no_picture_is_refused(tmp_path, content):
    path = tmp_path / "digit.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"digit.png: expected a picture or an idx file, found"):
        pictures.read(path, MNIST)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match="found no such file, expected a picture"):
        pictures.read(tmp_path / "other.png", MNIST)
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        pictures.read(tmp_path, MNIST)
