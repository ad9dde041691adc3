"""A trained network is put to use by the command of the README."""

import re
import subprocess
import sys

import numpy as np
from PIL import Image

from batch_race.data import idx
from batch_race.store import arrays
from nn.network import Weights, predict
from tests.conftest import PUBLISHED, ROOT


def classify(project, *arguments):
    command = [sys.executable, "workflow/scripts/classify.py", *map(str, arguments)]
    return subprocess.run(
        command, cwd=project.folder, capture_output=True, text=True, check=False, timeout=60
    )


def test_images_are_classified_as_the_network_does(project):
    settings = ("inputs=[unit, standardized]", "batch_size=32", "budget={steps: 40}")
    project.run("--until", "train", "--config", *settings)
    digits = project.folder.parent / "digits" / PUBLISHED["test_images"]
    pixels = idx.read(digits, (60, 28, 28))
    Image.fromarray(pixels[3]).save(project.folder / "three.png")
    for run in project.folder.glob("results/train/*/*/40_steps"):
        done = classify(project, run, digits, "three.png")
        assert done.returncode == 0, done.stderr
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        assert [line[1] for line in lines] == [*map(str, range(60)), "0"]
        training = np.load(next(project.folder.glob("results/parse/*/train_images.npy")))
        x = pixels.reshape(60, 784) / 255
        if '"standardized"' in (run / "specification.json").read_text():
            x = (pixels.reshape(60, 784) - training.mean()) / training.std()
        expected = predict(x, arrays.read_weights(run / "weights.npz"))
        assert [int(line[2]) for line in lines[:60]] == expected.tolist()
        assert lines[60][2:] == lines[3][2:]
        assert all(0.1 <= float(line[3]) <= 1 for line in lines)
        assert not done.stderr
        # On transparent paper, turned and blank.
        three = Image.fromarray(pixels[3])
        drawn = Image.merge("LA", (Image.new("L", three.size, 255), three))
        exif = Image.Exif()
        exif[0x0112] = 6
        turned = drawn.transpose(Image.Transpose.ROTATE_90)
        turned.save(project.folder / "turned.png", exif=exif)
        Image.new("RGB", (80, 60), "white").save(project.folder / "page.png")
        done = classify(project, run, "turned.png", "page.png")
        assert done.stdout.splitlines() == [
            "\t".join(["turned.png", "0", *lines[3][2:]]),
            "page.png\t0\tblank",
        ]


def test_the_readme_loads_weights_and_predicts(project):
    project.run("--until", "train", "--config", "batch_size=32", "budget={steps: 40}")
    run = next(project.folder.glob("results/train/*/*/40_steps"))
    parsed = next(project.folder.glob("results/parse/*"))
    examples = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.M | re.S
    )
    (example,) = (each for each in examples if "weights" in each)
    for general, this in (
        ("results/train/mnist/<run>/<budget>", run),
        ("results/parse/mnist", parsed),
    ):
        assert general in example
        example = example.replace(general, str(this.relative_to(project.folder)))
    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    x = np.load(parsed / "test_images.npy")[:10].astype(float)
    assert done.stdout.split("[")[1].rstrip("]\n").split() == [
        str(digit) for digit in predict(x, arrays.read_weights(run / "weights.npz"))
    ]


def test_a_network_for_other_images_is_refused(project):
    project.run("--until", "train", "--config", "batch_size=32", "budget={steps: 1}")
    run = next(project.folder.glob("results/train/*/*/1_steps"))
    w1, w2 = arrays.read_weights(run / "weights.npz")
    arrays.write_weights(run / "weights.npz", Weights(w1[:-28], w2[:, :-1]))
    done = classify(project, run, "digit.png")
    assert done.returncode == 1
    found = "weights.npz: found a network of 756 inputs and 9 classes, expected 784 and 10"
    assert found in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mistake_is_named(project):
    done = classify(project, "results/nowhere", "digit.png")
    assert done.returncode == 1
    expected = "results/nowhere/weights.npz: expected the arrays w1, w2, found no such file"
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
