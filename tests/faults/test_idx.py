"""The idx reader, tested with files made by hand and at random."""

import contextlib
import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from batch_race.data import idx
from batch_race.errors import InputError

# Two images of two by three pixels, byte for byte by the specification.
BY_HAND = bytes.fromhex("00000803 00000002 00000002 00000003 000102030405 fffefdfcfbfa")
PIXELS = [[[0, 1, 2], [3, 4, 5]], [[255, 254, 253], [252, 251, 250]]]


def write_bytes(folder, content, name="file.idx"):
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("shape", [(2, 2, 3), (None, None, None), (None, 2, 3)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_made_by_hand(tmp_path, shape, pack):
    array = idx.read(write_bytes(tmp_path, pack(BY_HAND)), shape)
    assert array.tolist() == PIXELS
    assert array.dtype == np.uint8


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_shape_without_the_data(tmp_path, pack):
    assert idx.read_header(write_bytes(tmp_path, pack(BY_HAND))) == (8, (2, 2, 3))


@pytest.mark.parametrize("name", ["array.idx", "array.idx.gz"])
@given(array=arrays(np.uint8, array_shapes(max_dims=5, max_side=6)))
def test_an_array_is_read_as_it_was_written(tmp_path_factory, name, array):
    path = tmp_path_factory.mktemp("idx") / name
    idx.write(path, array)
    assert np.array_equal(idx.read(path, (None,) * array.ndim), array)


def test_writing_twice_gives_the_same_bytes(tmp_path):
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    first, second = tmp_path / "a.gz", tmp_path / "b.gz"
    idx.write(first, array)
    idx.write(second, array)
    assert first.read_bytes() == second.read_bytes()


def test_a_written_file_follows_the_specification(tmp_path):
    path = tmp_path / "file"
    idx.write(path, np.array(PIXELS, dtype=np.uint8))
    assert path.read_bytes() == BY_HAND


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found an empty file, expected an idx file"),
        (BY_HAND[:3], "found a file of an unknown form, beginning with 000008, expected"),
        (b"\x01" + BY_HAND[1:], "found a file of an unknown form, beginning with 01000803"),
        (b"<!DOCTYPE html>", "found an HTML page, expected an idx file"),
        (b"\0\0\x0d\x03" + BY_HAND[4:], "found the data type 13, expected 8"),
        (b"\0\0\x08\0" + BY_HAND[4:], "unknown form, beginning with 00000800, expected an idx"),
        (BY_HAND[:9], "found a header that ends early"),
        (b"\0\0\x08\x01" + BY_HAND[4:], r"found 1 dimension\(s\), 2, expected 3"),
        (b"\0\0\x08\xff" + BY_HAND[4:], "found a header that ends early, expected 255"),
        (BY_HAND[:-1], "found 11 bytes of data, expected 12"),
        (BY_HAND + b"\0", "found more bytes of data, expected 12"),
        (struct.pack(">HBB3I", 0, 8, 3, 0, 2, 3), "found the shape 0×2×3"),
        (struct.pack(">HBB3I", 0, 8, 3, 2, 2, 4) + bytes(16), "found the shape 2×2×4, expected"),
        (gzip.compress(BY_HAND, mtime=0)[:-9], "found a damaged or truncated gzip file"),
        (
            gzip.compress(BY_HAND, mtime=0)[:-4] + b"\1\1\1\1",
            "found a damaged or truncated gzip file",
        ),
        (b"\x1f\x8b" + bytes(30), "found a damaged or truncated gzip file"),
    ],
)
def test_another_file_is_refused_with_its_name(tmp_path, content, message):
    path = write_bytes(tmp_path, content)
    with pytest.raises(InputError, match=message) as error:
        idx.read(path, (None, 2, 3))
    assert str(error.value).startswith(f"{path}: ")


def test_a_header_that_announces_too_much_costs_no_memory(tmp_path):
    path = write_bytes(tmp_path, struct.pack(">HBB3I", 0, 8, 3, *[2**32 - 1] * 3) + bytes(100))
    with pytest.raises(
        InputError, match=r"79,228,.* bytes, expected at most .* bytes of free memory"
    ):
        idx.read(path, (None, None, None))


def test_a_small_archive_of_a_huge_file_is_not_unpacked(tmp_path):
    path = write_bytes(tmp_path, gzip.compress(BY_HAND + bytes(50_000_000)))
    with pytest.raises(InputError, match="found more bytes of data, expected 12"):
        idx.read(path, (2, 2, 3))


def read_or_be_refused(path, dimensions):
    """Read the file; an error other than the reader's own fails the test."""
    with contextlib.suppress(InputError):
        array = idx.read(path, (None,) * dimensions)
        assert array.ndim == dimensions
        assert array.size > 0


@given(content=st.binary(max_size=80))
def test_random_bytes_give_an_array_or_the_readers_own_error(tmp_path_factory, content):
    path = write_bytes(tmp_path_factory.mktemp("idx"), content)
    read_or_be_refused(path, 2)


@given(position=st.integers(0, len(BY_HAND) - 1), byte=st.integers(0, 255), pack=st.booleans())
def test_a_changed_byte_gives_an_array_or_the_readers_own_error(
    tmp_path_factory, position, byte, pack
):
    content = bytearray(gzip.compress(BY_HAND) if pack else BY_HAND)
    content[position] = byte
    path = write_bytes(tmp_path_factory.mktemp("idx"), bytes(content))
    read_or_be_refused(path, 3)


@pytest.mark.parametrize("array", [np.zeros((2, 2)), np.uint8(3), np.zeros(3, np.int8)])
def test_only_unsigned_bytes_are_written(tmp_path, array):
    with pytest.raises(ValueError, match="idx files hold unsigned bytes"):
        idx.write(tmp_path / "file", np.asarray(array))
    assert not (tmp_path / "file").exists()
