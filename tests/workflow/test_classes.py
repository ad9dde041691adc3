"""The whole workflow on images of other sizes, in other numbers of classes."""

import numpy as np
import polars as pl
import pytest
from PIL import Image

from batch_race.data import idx
from batch_race.store import arrays, history
from nn.network import predict
from tests.project import PUBLISHED, checkout
from tests.workflow.test_classify import classify


def write_dataset(folder, labels, shape, per_class, is_light):
    """Write noisy images of a pattern for each class, of 4 by 4 blocks; return them."""
    random = np.random.default_rng(1)
    rows, columns = (np.arange(length) * 4 // length for length in shape)
    blocks = random.integers(0, 2, (len(labels), 4, 4), dtype=np.uint8)
    forms = np.zeros((len(labels), *shape), dtype=np.uint8)
    forms[:, 1:-1, 1:-1] = 220 * blocks[:, rows][:, :, columns][:, 1:-1, 1:-1]
    folder.mkdir()
    written = {}
    for part, count in (("train", per_class), ("test", 2)):
        classes = random.permutation(np.repeat(np.arange(len(labels)), count))
        images = forms[classes] + random.integers(0, 30, (len(classes), *shape), dtype=np.uint8)
        images = 255 - images if is_light else images
        numbers = np.array(labels, dtype=np.uint8)[classes]
        idx.write(folder / PUBLISHED[f"{part}_images"], images)
        idx.write(folder / PUBLISHED[f"{part}_labels"], numbers)
        written[part] = images, numbers
    return written


@pytest.mark.slow
@pytest.mark.parametrize(
    ("labels", "shape", "per_class", "is_light"),
    [
        (range(1, 27), (32, 32), 8, False),  # as EMNIST's letters
        (range(47), (20, 30), 8, False),
        ([5, 6, 7], (28, 28), 5, True),
    ],
)
def test_the_whole_workflow(tmp_path, labels, shape, per_class, is_light):
    project = checkout(tmp_path / "checkout")
    images, numbers = write_dataset(tmp_path / "mine", labels, shape, per_class, is_light)["test"]
    project.edit_config(
        dataset="mine",
        own_datasets={"mine": "../mine"},
        batch_size=[1, "all"],
        budget={"seconds": None, "epochs": 30},
        hidden_nodes=20,
        inputs="unit",
        learning_rate=0.1,
    )
    project.run()
    results = project.folder / "results"
    names = [str(label) for label in labels]
    (run,) = results.glob("train/mine-*/batch_1-*/30_epochs")
    metadata = history.read_metadata(run / "history.parquet")
    assert metadata["training_data"]["classes"] == names
    assert metadata["training_data"]["background"] == ("light" if is_light else "dark")
    weights = arrays.read_weights(run / "weights.npz")
    assert weights.w1.shape == (1 + shape[0] * shape[1], 20)
    assert weights.w2.shape == (21, len(labels))
    predicted = np.array(labels)[predict(images.reshape(len(images), -1) / 255, weights)]
    assert (predicted == numbers).mean() > 0.9

    confusion = pl.read_parquet(results / "find_mistakes/race/confusion.parquet")
    assert confusion["label"].unique(maintain_order=True).to_list() == names
    assert confusion["count"].sum() == len(numbers)

    # The trained network reads the idx file, and a picture of its size.
    Image.fromarray(images[1]).save(project.folder / "one.png")
    done = classify(project, run, tmp_path / "mine" / PUBLISHED["test_images"], "one.png")
    assert done.returncode == 0, done.stderr
    assert not done.stderr  # nothing is inverted
    found = [line.split("\t")[2] for line in done.stdout.splitlines()]
    assert found == [str(label) for label in (*predicted, predicted[1])]
