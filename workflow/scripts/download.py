"""Download the files of a dataset from its mirrors."""

from pathlib import Path

from batch_race.data import download
from batch_race.data.transfer import Checksums
from batch_race.store import logs


def main() -> None:
    """Download each file, completely and checked, or not at all."""
    logs.start(snakemake.log[0])
    mirrors = download.expand_mirrors(snakemake.params.mirrors, snakemake.wildcards.dataset)
    for role, file in snakemake.params.files.items():
        checksums = Checksums(file["sha256"], file.get("unpacked"))
        destination = Path(snakemake.output[role])
        download.fetch(file["name"], checksums, mirrors, destination, role=role)


if __name__ == "__main__":
    main()
