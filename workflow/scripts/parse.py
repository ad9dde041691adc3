"""Parse a dataset's idx files into arrays that can be mapped into memory."""

from pathlib import Path

from batch_race.data import description, idx
from batch_race.store import arrays, logs


def main() -> None:
    """Check images and labels against each other, and write each completely or not at all."""
    logs.start(snakemake.log[0])
    files = {name: Path(path) for name, path in snakemake.input.items()}
    out = {name: Path(path) for name, path in snakemake.output.items()}
    names = dict(enumerate(snakemake.params.class_names))
    labels = {part: idx.read(files[f"{part}_labels"], (None,)) for part in ("train", "test")}
    known = description.label_range(labels["train"], files["train_labels"])
    image_shape: tuple[int | None, ...] = (None, None)
    for part, each in labels.items():
        indices = description.index_labels(each, known, files[f"{part}_labels"])
        images = idx.read(files[f"{part}_images"], (len(each), *image_shape))
        image_shape = images.shape[1:]  # test images must have the size of the training images
        arrays.write(out[f"{part}_images"], images.reshape(len(images), -1))
        arrays.write(out[f"{part}_labels"], indices)
        if part == "train":
            described = description.describe(images, known, names)
            description.write(out["description"], described)


if __name__ == "__main__":
    main()
