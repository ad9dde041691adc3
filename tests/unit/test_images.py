"""The pictures of the documentation: that they are what the code draws now."""

import copy
import re

import pytest

from tests.conftest import ROOT
from tools import images


@pytest.fixture(scope="module")
def pictures():
    return dict(images.pictures())


def test_each_picture_is_what_the_code_draws(pictures):
    old = [
        name
        for name, described in pictures.items()
        if f"<!-- {images.digest(described)} -->" not in (images.FOLDER / f"{name}.svg").read_text()
    ]
    assert old == [], "draw them again: python -m tools.images"


def test_each_picture_has_its_code_and_its_place(pictures):
    files = {path.stem for path in images.FOLDER.glob("*.svg")}
    assert files == set(pictures)
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    shown = {
        name for page in pages for name in re.findall(r"images/(\w+)\.svg\)", page.read_text())
    }
    assert shown == files
    tables = {path.stem for path in (images.FOLDER / "tables").iterdir()}
    assert tables == {table for _, table, _ in images.OF_EXPERIMENTS.values()} | {"engines"}


def test_the_digest_is_that_of_what_is_seen(pictures):
    described = pictures["race"]
    found = images.digest(described)
    changed = copy.deepcopy(described)
    changed["$schema"] = "https://vega.github.io/schema/vega-lite/v99.json"
    name = next(key for key, rows in changed["datasets"].items() if "training_loss" in rows[0])
    changed["datasets"][name][0]["training_loss"] *= 1 + 1e-12
    assert images.digest(changed) == found
    changed["datasets"][name][0]["training_loss"] *= 1.001
    assert images.digest(changed) != found
    changed = copy.deepcopy(described)
    changed["title"]["text"] += "!"
    assert images.digest(changed) != found
