"""What the tests share."""

import os
from pathlib import Path

import pytest

from tests.project import PUBLISHED as PUBLISHED
from tests.project import ROOT as ROOT
from tests.project import Project, small_checkout


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The folder with MNIST's four files, where the tester has them."""
    folder = os.environ.get("BATCH_RACE_MNIST")
    if not folder:
        pytest.skip("BATCH_RACE_MNIST does not name a folder with MNIST's four files")
    return Path(folder)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A checkout set to three runs of a few steps on 300 images."""
    return small_checkout(tmp_path)
