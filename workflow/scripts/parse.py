"""Parse a dataset's original files into arrays that can be mapped into memory."""

from pathlib import Path

from batch_race.data import description
from batch_race.data.originals import form
from batch_race.data.originals.find import find
from batch_race.errors import InputError
from batch_race.store import arrays, logs


def main() -> None:
    """Check images and labels, and write each array completely or not at all."""
    logs.start(snakemake.log[0])
    source, out = snakemake.params.originals, snakemake.output
    originals = find(Path(source))
    class_names = originals.class_names()
    digest = form.Digest(class_names)
    names = dict(enumerate(snakemake.params.class_names)) | class_names
    for name, part in zip(("train", "test"), form.read(originals), strict=True):
        images, labels = part
        if name == "train":
            known = description.label_range(labels, f"{source}, training labels")
            described = description.describe(images, known, names)
        indices = description.index_labels(labels, known, f"{source}, {name} labels")
        digest.update(part)
        arrays.write(Path(out[f"{name}_images"]), images.reshape(len(images), -1))
        arrays.write(Path(out[f"{name}_labels"]), indices)
    expected = snakemake.params.digest
    if expected is not None and digest.hexdigest() != expected:
        raise InputError(
            f"{source}: found other images than when it was planned, expected the same: remove "
            "results/summarize_originals, then the same command plans them again"
        )
    description.write(Path(out.description), described)


if __name__ == "__main__":
    main()
