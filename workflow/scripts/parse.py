"""Parse a dataset's original files into arrays that can be mapped into memory."""

from collections.abc import Iterable, Mapping
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
    parts = dict(zip(("train", "test"), form.read(originals), strict=True))
    expected = snakemake.params.digest
    if expected is not None:
        check_digest(source, class_names, parts.values(), expected)
    train = parts["train"]
    known = description.label_range(train.labels, f"{source}, training labels")
    names = dict(enumerate(snakemake.params.class_names)) | class_names
    for name, part in parts.items():
        indices = description.index_labels(part.labels, known, f"{source}, {name} labels")
        arrays.write(Path(out[f"{name}_images"]), part.images.reshape(len(part.images), -1))
        arrays.write(Path(out[f"{name}_labels"]), indices)
    description.write(Path(out.description), description.describe(train.images, known, names))


def check_digest(
    source: str, class_names: Mapping[int, str], parts: Iterable[form.Part], expected: str
) -> None:
    """Check, before anything is written, that what was read is what was planned."""
    digest = form.Digest(dict(class_names))
    for part in parts:
        digest.update(part)
    if digest.hexdigest() != expected:
        raise InputError(
            f"{source}: found other images than when it was planned, expected the same: the files "
            "were changed meanwhile. The same command plans them again; if it ends like this too, "
            "remove results/summarize_originals"
        )


if __name__ == "__main__":
    main()
