"""What the tests of reruns and of the page share."""

import shutil

import pytest

from tests import browser
from tests.project import Project


@pytest.fixture(scope="module")
def kept_project(finished_checkout, tmp_path_factory):
    """A finished checkout for tests that leave it as it was."""
    folder = tmp_path_factory.mktemp("kept")
    shutil.copytree(finished_checkout[0], folder, dirs_exist_ok=True, symlinks=True)
    return Project(folder / "checkout")


@pytest.fixture(scope="module")
def chromium():
    """A browser."""
    if browser.find() is None:
        pytest.skip(browser.WITHOUT)
    with browser.started() as started:
        yield started
