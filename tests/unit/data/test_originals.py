"""The forms of original files: what each gives, and what is refused by its name."""

import gzip
import io
import os
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from batch_race.data import idx
from batch_race.data.originals import csv, form
from batch_race.data.originals.find import find
from batch_race.errors import InputError
from tests import forms

DIGITS = forms.random_digits()


def read(path):
    """Read the four arrays of a dataset, in the order of `forms.Digits`."""
    parts = list(form.read(find(path)))
    for images, labels in parts:
        assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
    return [array for part in parts for array in part]


def assert_read(path, digits=DIGITS):
    for found, expected in zip(read(path), digits, strict=True):
        assert np.array_equal(found, expected)


def table_writer(pack, name="mnist_{}.csv", header=b""):
    def write(folder, digits):
        folder.mkdir()
        for part in ("train", "test"):
            content = header + forms.table(*digits.part(part))
            (folder / name.format(part)).write_bytes(pack(content))

    return write


def npz_writer(*names):
    def write(folder, digits):
        folder.mkdir()
        arrays = dict(zip(names, digits, strict=True))
        np.savez(folder / "digits.npz", allow_pickle=False, **arrays)

    return write


def write_k49(folder, digits):
    """Write as Kuzushiji-49 is published: an array in each file."""
    folder.mkdir()
    for part in ("train", "test"):
        for what, array in zip(("imgs", "labels"), digits.part(part), strict=True):
            np.savez_compressed(folder / f"k49-{part}-{what}.npz", array, allow_pickle=False)
    (folder / "k49_classmap.csv").write_text("index,codepoint,char\n0,U+3042,あ\n1,U+3044,い\n")


def write_medmnist(folder, digits):
    """Write as MedMNIST does: labels are columns, and there is a set for validation."""
    folder.mkdir()
    arrays = {
        f"{part}_{what}": array.reshape(-1, 1) if what == "labels" else array
        for part in ("train", "val", "test")
        for what, array in zip(
            ("images", "labels"), digits.part(part.replace("val", "test")), strict=True
        )
    }
    np.savez(folder / "organamnist.npz", allow_pickle=False, **arrays)


def idx_writer(name, **options):
    return lambda folder, digits: forms.write_idx(folder, digits, name, **options)


def picture_writer(**options):
    return lambda folder, digits: forms.write_pictures(folder, digits, **options)


def write_unpacked(folder, digits):
    forms.write_idx(folder, digits, "{test}-{what}-idx{dimensions}-ubyte.gz", gzipped=True)
    forms.unpack_in_place(folder)


def write_kaggle_idx(folder, digits):
    """Write as hojjatk/mnist-dataset on Kaggle: each file twice."""
    forms.write_idx(folder, digits, "{test}-{what}.idx{dimensions}-ubyte")
    name = "{test}-{what}-idx{dimensions}-ubyte"
    forms.write_idx(folder, digits, f"{name}/{name}")


def pixel_names(height=6, width=6):
    names = (f"{1 + i}x{1 + j}" for i in range(height) for j in range(width))
    return ",".join(["label", *names])


def quoted(content):
    """Put each value of a table in quotation marks, and end lines as Windows does."""
    lines = (b'"' + line.replace(b",", b'","') + b'"\r\n' for line in content.splitlines())
    return b"".join(lines)


FORMS = {
    "idx": idx_writer("{test}-{what}-idx{dimensions}-ubyte"),
    "idx, gzipped": idx_writer("{test}-{what}-idx{dimensions}-ubyte.gz", gzipped=True),
    "idx, gzipped without .gz": idx_writer("{test}-{what}-idx{dimensions}-ubyte", gzipped=True),
    "idx, unpacked by a browser": write_unpacked,
    "idx, spelled otherwise": idx_writer("MNIST_{part}ing {what}.bin"),
    "Kaggle's idx": write_kaggle_idx,
    "torchvision": forms.write_torchvision,
    "EMNIST": lambda folder, digits: forms.write_emnist(folder, digits, "digits"),
    "QMNIST": forms.write_qmnist,
    "Keras": forms.write_keras,
    "npz": npz_writer("X_train", "Y_train", "X_test", "Y_test"),
    "Kuzushiji-49": write_k49,
    "MedMNIST": write_medmnist,
    "CSV": table_writer(bytes),
    "CSV, gzipped": table_writer(gzip.compress, "mnist_{}.csv.gz"),
    "CSV, names of pixels": table_writer(bytes, header=pixel_names().encode() + b"\n"),
    "CSV, quoted": table_writer(quoted, header=pixel_names().encode() + b"\n"),
    "CSV with a byte order mark": table_writer(bytes, header=b"\xef\xbb\xbf"),
    "CSV without a last end of line": table_writer(lambda content: content[:-1]),
    "Fashion-MNIST's CSV": forms.write_fashion,
    "pictures": picture_writer(),
    "pictures, training and testing": picture_writer(names=("training", "testing")),
    "bmp": picture_writer(suffix="bmp"),
    "gif": picture_writer(suffix="gif"),
    "ppm": picture_writer(suffix="ppm", convert=lambda picture: picture.convert("RGB")),
    "tiff": picture_writer(suffix="tiff"),
    "webp": picture_writer(suffix="webp", convert=lambda picture: picture.convert("RGB")),
    "png in colour": picture_writer(convert=lambda picture: picture.convert("RGB")),
    "png with an opaque alpha": picture_writer(convert=lambda picture: picture.convert("RGBA")),
    "png with a palette": picture_writer(
        convert=lambda picture: picture.quantize(256, dither=Image.Dither.NONE)
    ),
}
HAS_NAMES = {"EMNIST"}


@pytest.mark.parametrize("name", FORMS)
def test_all_forms_give_the_same_arrays(tmp_path, name):
    FORMS[name](tmp_path / "mine", DIGITS)
    assert_read(tmp_path / "mine")


@pytest.mark.parametrize("name", [name for name in FORMS if name not in HAS_NAMES])
def test_all_forms_of_the_same_arrays_have_one_digest(tmp_path, name):
    FORMS["idx"](tmp_path / "idx", DIGITS)
    FORMS[name](tmp_path / "mine", DIGITS)
    assert form.summarize(find(tmp_path / "mine")) == form.summarize(find(tmp_path / "idx"))


def test_a_file_chooses_its_dataset_among_several(tmp_path):
    other = forms.random_digits(30, 10)
    forms.write_emnist(tmp_path, DIGITS, "digits")
    forms.write_emnist(tmp_path, other, "mnist")
    with pytest.raises(InputError, match="found 2 datasets, expected one, or the path of a file"):
        find(tmp_path)
    for split, digits in (("digits", DIGITS), ("mnist", other)):
        for part, what in (("train", "images-idx3"), ("test", "labels-idx1")):
            assert_read(tmp_path / f"emnist-{split}-{part}-{what}-ubyte.gz", digits)


def test_torchvisions_folder_raw_may_be_named_too(tmp_path):
    forms.write_torchvision(tmp_path, DIGITS)
    for folder in (tmp_path / "MNIST", tmp_path / "MNIST" / "raw"):
        assert_read(folder)
    (tmp_path / "MNIST").rename(tmp_path / "other")
    forms.write_torchvision(tmp_path, DIGITS)
    with pytest.raises(InputError, match="found 2 datasets"):
        find(tmp_path)


def test_a_named_npz_file(tmp_path):
    forms.write_keras(tmp_path / "mine", DIGITS)
    assert_read(tmp_path / "mine" / "mnist.npz")


def test_other_files_in_the_folder_do_not_matter(tmp_path):
    forms.write_idx(tmp_path, DIGITS)
    (tmp_path / "README.md").write_text("train, test, 1, 2, 3")
    (tmp_path / ".train-images").write_bytes(b"\0\0\x08\x03")
    (tmp_path / "processed").mkdir()
    (tmp_path / "training.pt").write_bytes(b"\x80\x02")
    assert_read(tmp_path)


def test_the_names_of_classes(tmp_path):
    forms.write_emnist(tmp_path / "emnist", DIGITS, "digits")
    assert find(tmp_path / "emnist").class_names() == {label: str(label) for label in range(10)}
    (tmp_path / "emnist" / "emnist-digits-mapping.txt").write_text("1 65 97\n2 66 98\n")
    assert find(tmp_path / "emnist").class_names() == {1: "Aa", 2: "Bb"}
    (tmp_path / "emnist" / "emnist-digits-mapping.txt").write_text("<html>")
    with pytest.raises(InputError, match=r"mapping.txt: found an HTML page, expected lines of a l"):
        find(tmp_path / "emnist").class_names()

    forms.write_pictures(tmp_path / "names", DIGITS, classes=lambda label: "zyxwvutsrq"[label])
    assert find(tmp_path / "names").class_names() == dict(enumerate("qrstuvwxyz"))
    assert np.array_equal(read(tmp_path / "names")[1], 9 - DIGITS.train_labels[::-1])
    forms.write_pictures(tmp_path / "numbers", DIGITS, classes=lambda label: str(2 * label + 1))
    numbers = find(tmp_path / "numbers")
    assert numbers.class_names() == {label: str(2 * label + 1) for label in range(10)}
    assert_read(tmp_path / "numbers")


def test_the_names_are_part_of_the_digest(tmp_path):
    forms.write_pictures(tmp_path / "mine", DIGITS)
    before = form.summarize(find(tmp_path / "mine")).digest
    for part in ("train", "test"):
        (tmp_path / "mine" / part / "9").rename(tmp_path / "mine" / part / "nine")
    assert form.summarize(find(tmp_path / "mine")).digest != before


@pytest.mark.parametrize(
    "write",
    [
        picture_writer(names=None),
        forms.write_kaggle,
        lambda folder, digits: forms.write_kaggle(folder, digits, ids=True),
    ],
)
def test_without_a_test_set_a_seventh_of_each_class_is_split_off(tmp_path, write):
    digits = forms.random_digits(n_train=140)
    write(tmp_path / "mine", digits)
    train_images, train_labels, test_images, test_labels = read(tmp_path / "mine")
    assert np.bincount(train_labels).tolist() == [12] * 10
    assert np.bincount(test_labels).tolist() == [2] * 10
    found = sorted(image.tobytes() for image in (*train_images, *test_images))
    assert found == sorted(image.tobytes() for image in digits.train_images)
    chosen = [
        int(np.flatnonzero((digits.train_images == each).all(axis=(1, 2)))[0])
        for each in test_images
    ]
    assert chosen == CHOSEN  # on every machine, with every NumPy


CHOSEN = [6, 8, 16, 19, 29, 39, 48, 53, 59, 67, 70, 76, 85, 86, 100, 110, 118, 119, 136, 138]


def test_small_classes_are_split_too(tmp_path):
    digits = forms.random_digits(n_train=50)
    forms.write_pictures(tmp_path / "five", digits, names=None)
    assert np.bincount(read(tmp_path / "five")[3]).tolist() == [1] * 10
    forms.write_pictures(tmp_path / "one", forms.random_digits(n_train=10), names=None)
    with pytest.raises(InputError, match="found no class with two images and no test set"):
        read(tmp_path / "one")


def test_images_need_not_be_square(tmp_path):
    digits = forms.random_digits(shape=(4, 9))
    forms.write_idx(tmp_path / "idx", digits)
    forms.write_pictures(tmp_path / "pictures", digits)
    header = pixel_names(4, 9).encode() + b"\n"
    table_writer(bytes, header=header)(tmp_path / "table", digits)
    for name in ("idx", "pictures", "table"):
        assert_read(tmp_path / name, digits)
    forms.write_emnist(tmp_path / "emnist", digits, "digits")
    assert_read(tmp_path / "emnist", digits)


def test_the_labels_column_of_a_header_may_be_the_last(tmp_path):
    names = ",".join(f"pixel{index}" for index in range(36))
    rows = np.column_stack([DIGITS.train_images.reshape(40, 36), DIGITS.train_labels])
    lines = "".join(",".join(map(str, row)) + "\n" for row in rows)
    (tmp_path / "mnist_784.csv").write_text(f"{names},class\n{lines}")
    (part,) = csv.Table(tmp_path / "mnist_784.csv", None, False, None).parts()
    assert np.array_equal(part.images, DIGITS.train_images)
    assert np.array_equal(part.labels, DIGITS.train_labels)
    assert len(read(tmp_path)[0]) == 30


def test_a_table_is_read_in_many_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(csv, "CHUNK_BYTES", 100)
    for name in ("CSV", "CSV, gzipped", "CSV, quoted", "CSV with a byte order mark"):
        FORMS[name](tmp_path / name, DIGITS)
        assert_read(tmp_path / name)


def picture(kind):
    file = io.BytesIO()
    Image.new("L", (6, 6)).save(file, kind)
    return file.getvalue()


def archive(pack):
    file = io.BytesIO()
    pack(file)
    return file.getvalue()


def pack_tar(file):
    with tarfile.open(fileobj=file, mode="w") as packed:
        packed.addfile(tarfile.TarInfo("images"))


def pack_zip(file):
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("images", "x")


KINDS = {
    b"<!DOCTYPE html><html>": "an HTML page",
    b"\n\n<HTML>": "an HTML page",
    b"<?xml version='1.0'?><Error>": "an XML or HTML page",
    picture("PNG"): "a PNG picture",
    picture("JPEG"): "a JPEG picture",
    picture("TIFF"): "a TIFF picture",
    picture("GIF"): "a GIF picture",
    archive(pack_zip): "a zip archive",
    archive(pack_tar): "a tar archive",
    gzip.compress(archive(pack_tar), mtime=0): "a tar archive, gzipped",
    gzip.compress(b"<html>", mtime=0): "an HTML page, gzipped",
    b"%PDF-1.7": "a PDF",
    b"": "an empty file",
    gzip.compress(b"", mtime=0): "an empty file, gzipped",
    gzip.compress(bytes(100), mtime=0)[:12]: "a damaged or truncated gzip file",
    b"\x1f\x8b\x08": "a damaged or truncated gzip file",
    b"version https://git-lfs.github.com/spec/v1": "a Git LFS pointer, not the file itself",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"PAR1": "a Parquet file",
    b"\x93NUMPY\1\0": r"a NumPy array \(.npy\)",
    b"\x80\x04\x95": "a Python pickle",
    "Zwölf Boxkämpfer".encode(): "a text file",
    b"\1\2\3\4": "a file of an unknown form, beginning with 01020304",
}


@pytest.mark.parametrize(("content", "kind"), KINDS.items(), ids=KINDS.values())
def test_another_file_is_named_for_what_it_is(tmp_path, content, kind):
    forms.write_idx(tmp_path, DIGITS)
    path = tmp_path / "t10k-images-idx3-ubyte"
    path.write_bytes(content)
    named = f"found no test images; t10k-images-idx3-ubyte is {kind}, expected"
    with pytest.raises(InputError, match=named):
        find(tmp_path)
    with pytest.raises(InputError, match=f"t10k-images-idx3-ubyte: found {kind}, expected"):
        find(path)
    for other in tmp_path.iterdir():
        other.write_bytes(content)
    with pytest.raises(InputError, match=f"found no dataset: .*train-images-idx3-ubyte is {kind}"):
        find(tmp_path)


@pytest.mark.parametrize(("content", "kind"), KINDS.items(), ids=KINDS.values())
def test_another_file_among_pictures_is_named(tmp_path, content, kind):
    forms.write_pictures(tmp_path, DIGITS)
    (tmp_path / "train" / "3" / "00000.png").write_bytes(content)
    if "PNG" in kind or "JPEG" in kind or "TIFF" in kind or "GIF" in kind:
        read(tmp_path)  # whatever its suffix
    else:
        with pytest.raises(InputError, match=rf"3/00000.png: found {kind}, expected a picture"):
            read(tmp_path)


def test_a_table_without_its_test_file_is_not_split_silently(tmp_path):
    FORMS["CSV"](tmp_path / "mine", DIGITS)
    (tmp_path / "mine" / "mnist_test.csv").write_text("<html>")
    with pytest.raises(InputError, match=r"no test table; mnist_test.csv is an HTML page"):
        find(tmp_path / "mine")


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match="none: found no such file or folder, expected idx files"):
        find(tmp_path / "none")
    with pytest.raises(InputError, match="found no dataset; expected idx files, a"):
        find(tmp_path)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("x_train", "y_train", "x_test", "z"), "found no test labels, expected an idx, .npz or"),
        (("train_a", "y_train", "train_b", "y_test"), "found digits.npz, train_a, digits.npz, t"),
    ],
)
def test_arrays_of_other_names(tmp_path, names, expected):
    npz_writer(*names)(tmp_path / "mine", DIGITS)
    with pytest.raises(InputError, match=expected):
        find(tmp_path / "mine")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"test_labels": DIGITS.test_labels[1:]}, "found the shape 20×6×6, expected 19×6×6"),
        ({"test_images": DIGITS.test_images[:, 1:]}, "found the shape 20×5×6, expected 20×6×6"),
        ({"train_images": DIGITS.train_images / 255}, "found float64, expected whole numbers"),
        ({"train_images": DIGITS.train_images + np.int64(1)}, "found 1 to 256, expected 0 to 255"),
        ({"train_labels": DIGITS.train_labels / 1}, "found labels of float64, expected whole"),
        ({"train_labels": np.eye(10, dtype=int)[DIGITS.train_labels]}, "the shape 40×10, expected"),
        ({"train_labels": DIGITS.train_labels[:0]}, "found no label, expected at least one"),
        ({"train_labels": np.array([None] * 40)}, "without pickle, found Object arrays cannot"),
        ({"train_images": np.stack([DIGITS.train_images] * 3, 3)}, r"found 4 dimension\(s\)"),
    ],
)
def test_other_arrays_in_an_npz_file(tmp_path, change, expected):
    arrays = DIGITS._asdict() | change
    np.savez(tmp_path / "digits.npz", allow_pickle=True, **arrays)
    with pytest.raises(InputError, match=expected) as error:
        read(tmp_path)
    assert str(error.value).startswith(str(tmp_path / "digits.npz"))


def test_a_damaged_npz_file(tmp_path):
    forms.write_keras(tmp_path / "mine", DIGITS)
    path = tmp_path / "mine" / "mnist.npz"
    content = bytearray(path.read_bytes())
    content[200] ^= 255
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"mnist.npz"):
        read(path)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("256", "could not parse `256`"),
        ("-1", "could not parse `-1`"),
        ("x", "could not parse `x`"),
        ("0.5", "could not parse `0.5`"),
        ("", "found a line with a missing value"),
        ("1,2", "more"),
        (None, "found a line with a missing value"),
    ],
)
@pytest.mark.parametrize("position", [0, 5, 36])
def test_other_values_in_a_table(tmp_path, position, value, expected):
    forms.write_kaggle(tmp_path / "mine", DIGITS)
    path = tmp_path / "mine" / "train.csv"
    *lines, last = path.read_text().splitlines()
    cells = last.split(",")
    cells[position : position + 1] = [] if value is None else [value]
    path.write_text("\n".join([*lines, ",".join(cells)]))
    if (position, value) == (0, "256") or (position, value) == (0, "-1"):
        read(tmp_path / "mine")  # as a label
    else:
        with pytest.raises(InputError, match=expected) as error:
            read(tmp_path / "mine")
        assert str(error.value).startswith(f"{path}: ")
        assert "36 pixels" in str(error.value)


def test_a_table_of_pixels_that_are_no_square(tmp_path):
    FORMS["CSV"](tmp_path / "mine", forms.random_digits(shape=(4, 6)))
    with pytest.raises(InputError, match="found 24 pixels in a line, expected a square number"):
        read(tmp_path / "mine")


def test_one_hot_labels_in_idx_files(tmp_path):
    forms.write_idx(tmp_path, DIGITS)
    idx.write(tmp_path / "train-labels-idx1-ubyte", np.eye(10, dtype=np.uint8)[DIGITS[1]])
    with pytest.raises(InputError, match="found the shape 40×10, expected a label for each image"):
        read(tmp_path)


def transparent(picture):
    picture = picture.convert("RGBA")
    picture.putalpha(Image.eval(picture.getchannel("R"), lambda value: value // 2))
    return picture


def animated(path):
    frames = [Image.new("L", (6, 6), shade) for shade in (0, 200)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("save", "expected"),
    [
        (lambda path: Image.new("L", (6, 5)).save(path), "found 6 by 5 pixels, expected 6 by 6"),
        (lambda path: transparent(Image.new("L", (6, 6))).save(path), "found a transparent pic"),
        (lambda path: Image.new("I;16", (6, 6)).save(path), "found pixels of 16 bits or more"),
        (lambda path: Image.new("F", (6, 6)).save(path, "TIFF"), "found pixels of 16 bits or"),
        (animated, "found 2 frames, expected one picture"),
        (lambda path: path.write_bytes(picture("PNG")[:45]), "found a damaged picture"),
        (lambda path: path.mkdir(), "found a folder, expected a picture"),
    ],
)
def test_a_picture_that_would_be_read_wrongly_is_refused(tmp_path, save, expected):
    forms.write_pictures(tmp_path, DIGITS)
    path = tmp_path / "train" / "9" / "00039.png"
    path.unlink()
    save(path)
    with pytest.raises(InputError, match=expected) as error:
        read(tmp_path)
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize("suffix", ["png", "tiff", "webp"])
@pytest.mark.parametrize(("orientation", "turned"), [(3, 2), (6, 1), (8, 3)])
def test_a_picture_is_turned_as_its_metadata_says(tmp_path, suffix, orientation, turned):
    forms.write_pictures(tmp_path, DIGITS)
    path = tmp_path / "train" / "0" / "00000.png"
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.rot90(DIGITS.train_images[0], turned)).convert("RGB")
    options = {"lossless": True} if suffix == "webp" else {}
    stored.save(path, suffix.upper(), exif=exif, **options)
    assert_read(tmp_path)


def test_classes_of_pictures_that_do_not_agree(tmp_path):
    forms.write_pictures(tmp_path, DIGITS)
    (tmp_path / "test" / "3").rename(tmp_path / "test" / "three")
    with pytest.raises(InputError, match=r"three: found a class without training pictures"):
        find(tmp_path)
    (tmp_path / "test" / "three").rename(tmp_path / "three")
    assert len(read(tmp_path)[3]) == 18
    (tmp_path / "train" / "empty").mkdir()
    with pytest.raises(InputError, match=r"train/empty: found no picture, expected at least one"):
        find(tmp_path)
    (tmp_path / "training").mkdir()
    with pytest.raises(InputError, match="found the folders test, three, train, training, exp"):
        find(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read(tmp_path):
    (tmp_path / "mine").mkdir(mode=0)
    with pytest.raises(InputError, match="mine: cannot be read: Permission denied"):
        find(tmp_path / "mine")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["EMNIST balanced", "QMNIST", "Fashion-MNIST"])
def test_forms_at_true_size(tmp_path, mnist_folder, name):
    """The published files are not here; MNIST's images are written in their forms and sizes."""
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    shapes = ((None, 28, 28), (None,)) * 2
    mnist = forms.Digits(
        *(
            idx.read(mnist_folder / f"{each}-ubyte.gz", shape)
            for each, shape in zip(names, shapes, strict=True)
        )
    )
    if name == "EMNIST balanced":
        index, test_index = np.arange(112_800), np.arange(18_800)
        digits = forms.Digits(
            mnist.train_images[index % 60_000],
            (index % 47).astype(np.uint8),
            mnist.test_images[test_index % 10_000],
            (test_index % 47).astype(np.uint8),
        )
        forms.write_emnist(tmp_path / "mine", digits, "balanced")
        assert find(tmp_path / "mine").class_names()[46] == chr(ord("A") + 36)
    elif name == "QMNIST":
        digits = mnist._replace(
            test_images=mnist.train_images[::-1], test_labels=mnist.train_labels[::-1]
        )
        forms.write_qmnist(tmp_path / "mine", digits)
    else:
        digits = mnist
        forms.write_fashion(tmp_path / "mine", digits)
    assert_read(tmp_path / "mine", digits)
