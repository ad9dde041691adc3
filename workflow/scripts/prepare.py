"""Order the columns of a dataset's images, and tell where each image ends."""

from pathlib import Path

import numpy as np

from nn import ordering
from workflow.scripts.common import arrays, logs


def main() -> None:
    """Order both parts by the training images' columns."""
    logs.start(snakemake.log[0])
    images = {part: arrays.open_images(Path(snakemake.input[part])) for part in ("train", "test")}
    columns = ordering.column_order(images["train"])
    arrays.write(Path(snakemake.output.columns), columns)
    for part, pixels in images.items():
        ordered = np.ascontiguousarray(pixels[:, columns])
        arrays.write(Path(snakemake.output[f"{part}_images"]), ordered)
        arrays.write(Path(snakemake.output[f"{part}_lengths"]), ordering.prefix_lengths(ordered))


if __name__ == "__main__":
    main()
