"""What the tests share."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PUBLISHED = {
    "train_images": "train-images-idx3-ubyte.gz",
    "train_labels": "train-labels-idx1-ubyte.gz",
    "test_images": "t10k-images-idx3-ubyte.gz",
    "test_labels": "t10k-labels-idx1-ubyte.gz",
}


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The folder with MNIST's four files, where the tester has them."""
    folder = os.environ.get("BATCH_RACE_MNIST")
    if not folder:
        pytest.skip("BATCH_RACE_MNIST does not name a folder with MNIST's four files")
    return Path(folder)
