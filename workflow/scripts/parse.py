"""Parse a dataset's idx files into arrays that can be mapped into memory."""

from pathlib import Path

from batch_race.data import idx
from batch_race.data.idx import IdxError
from batch_race.store import arrays, logs
from nn.network import N_CLASSES


def main() -> None:
    """Check images and labels against each other, and write each completely or not at all."""
    logs.start(snakemake.log[0])
    image_shape: tuple[int | None, ...] = (None, None)
    for part in ("train", "test"):
        images_path = Path(snakemake.input[f"{part}_images"])
        labels_path = Path(snakemake.input[f"{part}_labels"])
        labels = idx.read(labels_path, (None,))
        if labels.max() >= N_CLASSES:
            raise IdxError(
                f"{labels_path}: found the label {labels.max()}, expected 0 to {N_CLASSES - 1}"
            )
        images = idx.read(images_path, (len(labels), *image_shape))
        image_shape = images.shape[1:]  # test images must have the size of the training images
        arrays.write(Path(snakemake.output[f"{part}_images"]), images.reshape(len(images), -1))
        arrays.write(Path(snakemake.output[f"{part}_labels"]), labels)


if __name__ == "__main__":
    main()
