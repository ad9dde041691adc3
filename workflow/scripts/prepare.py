"""Split the columns of a dataset's images into dense and sparse ones."""

from pathlib import Path

from batch_race.data.examples import open_images
from batch_race.store import arrays, logs
from nn import ordering


def main() -> None:
    """Order the columns by the training images, and split those of both parts."""
    logs.start(snakemake.log[0])
    images = {part: open_images(Path(snakemake.input[part])) for part in ("train", "test")}
    columns = ordering.order_columns(images["train"])
    arrays.write(Path(snakemake.output.columns), columns.order)
    for part, pixels in images.items():
        arranged = ordering.arrange(pixels, columns)
        arrays.write(Path(snakemake.output[f"{part}_dense"]), arranged.dense)
        arrays.write_sparse(Path(snakemake.output[f"{part}_sparse"]), arranged.sparse)


if __name__ == "__main__":
    main()
