"""What the tests share."""

import os
from pathlib import Path

import pytest

from tests.project import PUBLISHED as PUBLISHED
from tests.project import ROOT as ROOT
from tests.project import Project, write_digits


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
    checkout = Project(tmp_path / "checkout")
    data = tmp_path / "digits"
    write_digits(data)
    checkout.edit_config(
        dataset="digits",
        own_datasets={"digits": str(data)},
        batch_size=[1, 32, "all"],
        budget={"seconds": None, "steps": 4},
        hidden_nodes=20,
    )
    return checkout
