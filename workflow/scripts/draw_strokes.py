"""Draw the dataset `strokes` and write it as four idx files, as MNIST is published."""

from pathlib import Path

from batch_race.data import idx, strokes
from batch_race.store import logs
from batch_race.store.files import replacing


def main() -> None:
    """Draw both parts, and write each file completely or not at all."""
    logs.start(snakemake.log[0])
    out = snakemake.output
    for n_images, seed, images_path, labels_path in (
        (strokes.N_TRAIN, strokes.TRAIN_SEED, out.train_images, out.train_labels),
        (strokes.N_TEST, strokes.TEST_SEED, out.test_images, out.test_labels),
    ):
        images, labels = strokes.draw(n_images, seed)
        for path, array in ((images_path, images), (labels_path, labels)):
            with replacing(Path(path)) as temporary:
                idx.write(temporary, array)


if __name__ == "__main__":
    main()
