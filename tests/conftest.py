"""What the tests share."""

import os
import shutil
from pathlib import Path

import pytest

from tests.project import PUBLISHED as PUBLISHED
from tests.project import ROOT as ROOT
from tests.project import Project, small_checkout


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of faults as slow; run tests that share an expensive fixture on one worker."""
    for item in items:
        if item.path.parent.name == "faults":
            item.add_marker(pytest.mark.slow)
        shares = "finished_checkout" in getattr(item, "fixturenames", ())
        name = "finished_checkout" if shares else item.path.stem
        item.add_marker(pytest.mark.xdist_group(name))


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The folder with MNIST's four files, where the tester has them."""
    folder = os.environ.get("BATCH_RACE_MNIST")
    if not folder:
        pytest.skip("BATCH_RACE_MNIST does not name a folder with MNIST's four files")
    return Path(folder)


@pytest.fixture(scope="session")
def finished_checkout(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the whole workflow once; give the folder that holds all of it, and what was said."""
    folder = tmp_path_factory.mktemp("finished")
    return folder, small_checkout(folder).run()


@pytest.fixture
def finished_project(finished_checkout: tuple[Path, str], tmp_path: Path) -> Project:
    """A copy of a checkout in which the whole workflow has run.

    Snakemake takes a copy for the original (`test_another_folder_of_the_same_project`).
    """
    shutil.copytree(finished_checkout[0], tmp_path, dirs_exist_ok=True, symlinks=True)
    return Project(tmp_path / "checkout")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A checkout set to three runs of a few steps on 300 images."""
    return small_checkout(tmp_path)
