"""Order a dataset's columns, tell where each image ends, and order the images by that."""

from pathlib import Path

from nn import ordering
from workflow.scripts.common import arrays, logs


def main() -> None:
    """Order both parts by the training images' columns."""
    logs.start(snakemake.log[0])
    images = {part: arrays.open_images(Path(snakemake.input[part])) for part in ("train", "test")}
    columns = ordering.column_order(images["train"])
    arrays.write(Path(snakemake.output.columns), columns)
    for part, pixels in images.items():
        for name, array in ordering.arrange(pixels, columns)._asdict().items():
            arrays.write(Path(snakemake.output[f"{part}_{name}"]), array)


if __name__ == "__main__":
    main()
