"""The recipes of docs/data.md, on files that the tests write."""

import re
import shlex

import numpy as np
import pytest

from batch_race.data import idx
from tests import forms
from tests.conftest import PUBLISHED, ROOT

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "data.md").read_text()
RECIPE = re.compile(r"^## (?P<title>[^\n]+)\n[^#]*?^```sh\n(?P<command>.*?)^```$", re.M | re.S)
RECIPES = {found["title"]: shlex.split(found["command"]) for found in RECIPE.finditer(PAGE)}

WRITERS = {
    "EMNIST": lambda home, digits: forms.write_emnist(home / "gzip", digits, "balanced"),
    "QMNIST": lambda home, digits: forms.write_qmnist(home / "qmnist", digits),
    "Keras's mnist.npz": lambda home, digits: forms.write_keras(home / "keras", digits),
    "Kaggle's digit recognizer": lambda home, digits: forms.write_kaggle(
        home / "digit-recognizer", digits
    ),
    "Fashion-MNIST from Kaggle": lambda home, digits: forms.write_fashion(home / "fashion", digits),
    "Pictures": lambda home, digits: forms.write_pictures(
        home / "shapes", digits, classes=lambda label: f"shape {label}"
    ),
}
FROM_TORCHVISION = "MNIST that torchvision has downloaded"
SMALL = ["batch_size=[10, all]", "hidden_nodes=5", "budget={seconds: null, steps: 2}"]


def test_each_recipe_is_run():
    assert set(RECIPES) == {*WRITERS, FROM_TORCHVISION}
    assert PAGE.count("```sh") == len(RECIPES)


@pytest.mark.parametrize("title", WRITERS)
def test_a_recipe_for_own_files(project, title):
    # A user's folder is the project's as it is, without this test's settings.
    (project.folder / "config.yaml").write_text((ROOT / "config.yaml").read_text())
    digits = forms.random_digits(140, 20, (8, 8))
    if title == "EMNIST":  # has 47 classes
        labels = np.arange(140, dtype=np.uint8) % 47
        digits = digits._replace(train_labels=labels, test_labels=labels[-20:].copy())
    WRITERS[title](project.folder, digits)
    if title == "EMNIST":
        forms.write_emnist(project.folder / "gzip", forms.random_digits(), "letters")
    program, *arguments = RECIPES[title]
    assert program == "snakemake"
    project.run(*arguments, *SMALL, "--until", "find_mistakes")
    (folder,) = project.folder.glob("results/parse/*")
    images = np.load(folder / "train_images.npy")
    if title == "Kaggle's digit recognizer":
        assert len(images) == 120
    else:
        assert np.array_equal(images, digits.train_images.reshape(140, 64))
        assert np.array_equal(np.load(folder / "test_labels.npy"), digits.test_labels)
    assert (project.folder / "results/find_mistakes/race/mistakes.parquet").exists()


def test_the_recipe_for_torchvisions_files(project, mnist_folder):
    (project.folder / "config.yaml").write_text((ROOT / "config.yaml").read_text())
    arrays = {
        part: idx.read(mnist_folder / name, (None,) * (3 if "images" in part else 1))
        for part, name in PUBLISHED.items()
    }
    raw = project.folder / "torchvision" / "MNIST" / "raw"
    forms.write_idx(raw, forms.Digits(**arrays))
    _, *arguments = RECIPES[FROM_TORCHVISION]
    project.run(*arguments, *SMALL, "--until", "parse")
    found = np.load(project.folder / "results/parse/mnist/test_labels.npy")
    assert np.array_equal(found, arrays["test_labels"])
