"""Parse a dataset's original files into arrays that can be mapped into memory."""

import json
from pathlib import Path

from batch_race.data.originals import form
from batch_race.data.originals.find import find
from batch_race.errors import InputError
from batch_race.store import arrays, logs
from batch_race.store.files import replacing
from nn.network import N_CLASSES


def main() -> None:
    """Check images and labels, and write each array completely or not at all."""
    logs.start(snakemake.log[0])
    originals = find(Path(snakemake.params.originals))
    class_names = originals.class_names()
    digest = form.Digest(class_names)
    for name, (images, labels) in zip(("train", "test"), form.read(originals), strict=True):
        if labels.max() >= N_CLASSES:
            raise InputError(
                f"{snakemake.params.originals}: found the label {labels.max()}, "
                f"expected 0 to {N_CLASSES - 1}"
            )
        digest.update(form.Part(images, labels))
        arrays.write(Path(snakemake.output[f"{name}_images"]), images.reshape(len(images), -1))
        arrays.write(Path(snakemake.output[f"{name}_labels"]), labels.astype("u1"))
    expected = snakemake.params.digest
    if expected is not None and digest.hexdigest() != expected:
        raise InputError(
            f"{snakemake.params.originals}: found other images than when it was planned, expected "
            "the same: remove results/summarize_originals, then the same command plans them again"
        )
    description = {
        "image_height": images.shape[1],
        "image_width": images.shape[2],
        "class_names": class_names,
    }
    with replacing(Path(snakemake.output.description)) as temporary:
        temporary.write_text(json.dumps(description, indent=2) + "\n")


if __name__ == "__main__":
    main()
