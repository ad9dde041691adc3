"""What the tests share."""

import os
import shutil
from pathlib import Path

import pytest

from batch_race.store.files import locked
from tests.project import PUBLISHED as PUBLISHED
from tests.project import ROOT as ROOT
from tests.project import Project, small_checkout


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of faults as slow; begin with the longest files, so that no worker waits."""
    for item in items:
        if item.path.parent.name == "faults":
            item.add_marker(pytest.mark.slow)
    longest = {"slurm": 0, "workflow": 1}
    items.sort(key=lambda item: longest.get(item.path.parent.name, 2))


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The folder with MNIST's four files, where the tester has them."""
    folder = os.environ.get("BATCH_RACE_MNIST")
    if not folder:
        pytest.skip("BATCH_RACE_MNIST does not name a folder with MNIST's four files")
    return Path(folder)


@pytest.fixture(scope="session")
def finished_checkout(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the whole workflow once for all workers; return its folder and Snakemake's output."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished"
    folder.mkdir(exist_ok=True)
    output = folder / "output.txt"
    with locked(folder):
        if not output.exists():
            output.write_text(small_checkout(folder).run())
    return folder, output.read_text()


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
