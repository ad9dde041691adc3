"""Pictures and run folders that are given to `classify.py` by someone else."""

import os
import re
import shutil
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from batch_race.data import pictures
from batch_race.data.description import Description
from batch_race.errors import InputError
from batch_race.run.classifier import Classifier
from batch_race.store import arrays, history
from nn.network import Weights
from nn.records import Evaluation
from tests.project import ROOT
from tests.unit.store.test_history import METADATA, SPECIFICATION

RANDOM = np.random.default_rng(1)
CLASSES = [str(digit) for digit in range(10)]


def write_run(folder, weights=None, classes=CLASSES, **metadata):
    """Write the folder of a finished run, as far as it is read."""
    w1, w2 = weights or (RANDOM.standard_normal(shape, np.float32) for shape in ((785, 5), (6, 10)))
    arrays.write_weights(folder / "weights.npz", Weights(w1, w2))
    described = Description(classes, 28, 28, "dark", 20)._asdict()
    given = {"training_data": described, "pixel_scaling": (1 / 255, 0.0)} | metadata
    table = history.tabulate([Evaluation(0, 0, 0, 0.0, 0.0, 0.0, 2.3, 10.0)], SPECIFICATION)
    history.write(folder / "history.parquet", table, METADATA | given)
    return folder


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run")


def classify(*arguments, path=os.environ["PATH"]):
    command = [sys.executable, ROOT / "workflow" / "scripts" / "classify.py", *arguments]
    return subprocess.run(
        list(map(str, command)),
        env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )


def check_refused(done, *messages):
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for message in messages:
        assert message in done.stderr


def picture(path, **options):
    digit = np.zeros((28, 28), np.uint8)
    digit[8:20, 12:16] = 255
    Image.fromarray(digit).save(path, **options)
    return path


def test_a_run_and_a_picture(run, tmp_path):
    done = classify(run, picture(tmp_path / "digit.png"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path}/digit.png\t0\t")


def test_no_program_is_started_for_a_picture(run, tmp_path):
    """Pillow gives PostScript to Ghostscript, whatever the name of the file."""
    commands, mark = tmp_path / "bin", tmp_path / "started"
    commands.mkdir()
    for name in ("gs", "gswin32c", "gswin64c", "ffmpeg", "djpeg"):
        (commands / name).write_text(f"#!/bin/sh\ntouch {mark}\n")
        (commands / name).chmod(0o755)
    path = tmp_path / "digit.png"
    path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\n%%EndComments\nshowpage\n")
    done = classify(run, path, path=f"{commands}:{os.environ['PATH']}")
    check_refused(done, f"{path}: expected a picture or an idx file, found a PostScript file")
    assert not mark.exists()


def test_a_file_that_is_not_regular_is_not_waited_for(run, tmp_path):
    fifo = tmp_path / "digit.png"
    os.mkfifo(fifo)
    for path, kind in ((fifo, "it is a FIFO"), ("/dev/zero", "it is a device")):
        started = time.monotonic()
        check_refused(classify(run, path), f"{path}: cannot be read: {kind}, expected a regular")
        assert time.monotonic() - started < 30
    (run / "weights.npz").unlink()
    os.mkfifo(run / "weights.npz")
    check_refused(classify(run, "digit.png"), "weights.npz: cannot be read: it is a FIFO")


def png(width, height, data):
    def chunk(name, content):
        body = name + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", data), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize("size", [(12_000, 9_000), (50_000, 50_000), (2**31 - 1, 2**31 - 1)])
def test_a_picture_that_is_too_large_is_refused_before_it_is_decoded(run, tmp_path, size):
    path = tmp_path / "digit.png"
    path.write_bytes(png(*size, zlib.compress(bytes(1000))))
    started = time.monotonic()
    check_refused(classify(run, path), f"{path}: ", "pixels")
    assert time.monotonic() - started < 30


def test_an_animation_of_hours_ends_after_a_time(run, tmp_path):
    """Small frames that each take some tenths of a second; the limit is shorter here."""
    still = Image.new("L", (3000, 3000))
    still.paste(255, (100, 100, 2000, 1400))
    path = tmp_path / "digit.gif"
    frames = [Image.new("L", (3000, 3000), level) for level in range(1, 80)]
    still.save(path, save_all=True, append_images=frames)
    code = (
        "import sys; from batch_race.data import pictures; pictures.MAX_SECONDS = 1.0; "
        "import classify; classify.main()"
    )
    folder = ROOT / "workflow" / "scripts"
    command = [sys.executable, "-c", code, str(run), str(path)]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{folder}"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=100
    )
    check_refused(done, f"{path}: found images that take longer than 1 s, expected fewer")


DAMAGES = {
    "truncated": lambda content: content[: len(content) // 2],
    "an empty header": lambda content: content[:8] + bytes(len(content) - 8),
    "one byte": lambda content: content[:1],
    "no byte": lambda content: b"",
    "other bytes": lambda content: content[:40] + bytes(reversed(content[40:])),
    "text": lambda content: b"just a text\n",
}


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "tif", "bmp", "webp", "pgm"])
def test_damaged_pictures_are_refused_in_words(tmp_path, suffix):
    content = picture(tmp_path / f"whole.{suffix}").read_bytes()
    data = Description(CLASSES, 28, 28, "dark", 20)
    path = tmp_path / f"digit.{suffix}"
    messages = []
    for damage in DAMAGES.values():
        path.write_bytes(damage(content))
        try:
            pictures.read(path, data)
        except InputError as error:  # some formats are read as far as they go
            messages.append(str(error))
    assert len(messages) >= 4
    assert all(f"{path}: expected a picture or an idx file, found " in each for each in messages)


def test_weights_that_are_none_of_a_network(tmp_path):
    w1, w2 = (RANDOM.standard_normal(shape, np.float32) for shape in ((785, 5), (6, 10)))
    nan = w1.copy()
    nan[3, 2] = np.nan
    for number, (weights, message) in enumerate(
        [
            ((nan, w2), "found weights that are not finite, as of a run that diverged"),
            ((w1, np.full_like(w2, np.inf)), "found weights that are not finite"),
            ((w1, w2[:-1]), "found float32 of shape (785, 5) and float32 of shape (5, 10)"),
            ((w1[0], w2), "of shape (5,) and "),
            ((w1[0, 0], w2[0, 0]), "of shape () and "),
            ((w1.astype(float), w2), "found float64 of shape"),
            ((w1[:, :0], w2[:1]), "found float32 of shape (785, 0)"),
            ((w1[:-1], w2), "found a network of 783 inputs and 10 classes, expected 784 and 10"),
        ]
    ):
        run = write_run(tmp_path / str(number), weights)
        with pytest.raises(InputError, match=f"weights.npz: .*{re.escape(message)}"):
            Classifier(run)


def test_a_copied_run_folder_is_used_or_named(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy")
    digit = picture(tmp_path / "digit.png")
    assert classify(copy, digit).stdout == classify(run, digit).stdout != ""
    (copy / "history.parquet").unlink()
    check_refused(classify(copy, digit), "history.parquet: cannot be read: No such file")
    content = (run / "history.parquet").read_bytes()
    (copy / "history.parquet").write_bytes(content[:-9])
    done = classify(copy, digit)
    check_refused(done, "history.parquet: found a table that is damaged")
    assert "the same command" not in done.stderr


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"training_data": {"classes": []}}, "found metadata of another form"),
        ({"training_data": 3}, "found metadata of another form"),
        ({"classes": [1, *CLASSES[1:]]}, "found metadata of another form"),
        ({"pixel_scaling": [1]}, "found metadata of another form"),
        ({"pixel_scaling": ["a", "b"]}, "found metadata of another form"),
        ({"classes": ["zero", "\x1b[2J", *CLASSES[2:]]}, "found the class '\\x1b[2J', "),
        ({"classes": ["zero", "one\n/etc\t0\t1", *CLASSES[2:]]}, "'one\\n/etc\\t0\\t1'"),
    ],
)
def test_metadata_of_another_form_is_named(tmp_path, metadata, message):
    run = write_run(tmp_path / "run", **metadata)
    with pytest.raises(InputError, match=f"history.parquet: .*{re.escape(message)}"):
        Classifier(run)
