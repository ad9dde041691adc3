"""Download the files of a dataset from its mirrors."""

from pathlib import Path

from batch_race.data import download
from batch_race.store import logs


def main() -> None:
    """Download each file, completely and checked, or not at all."""
    logs.start(snakemake.log[0])
    mirrors = download.expand_mirrors(snakemake.params.mirrors, snakemake.wildcards.dataset)
    for part, file in snakemake.params.files.items():
        download.fetch(file["name"], file["sha256"], mirrors, Path(snakemake.output[part]))


if __name__ == "__main__":
    main()
