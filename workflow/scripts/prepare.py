"""Part the columns of a dataset's images into dense and sparse ones."""

from pathlib import Path

from batch_race.store import arrays, logs
from nn import ordering


def main() -> None:
    """Part both parts of a dataset by the training images' columns."""
    logs.start(snakemake.log[0])
    images = {part: arrays.open_images(Path(snakemake.input[part])) for part in ("train", "test")}
    columns = ordering.order_columns(images["train"])
    arrays.write(Path(snakemake.output.columns), columns.order)
    for part, pixels in images.items():
        arranged = ordering.arrange(pixels, columns)
        arrays.write(Path(snakemake.output[f"{part}_dense"]), arranged.dense)
        arrays.write_sparse(Path(snakemake.output[f"{part}_sparse"]), arranged.sparse)


if __name__ == "__main__":
    main()
