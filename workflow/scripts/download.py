"""Fetch one file of a dataset from its mirrors."""

from pathlib import Path

from workflow.scripts.common import download, logs


def main() -> None:
    """Fetch it whole and checked, or not at all."""
    logs.start(snakemake.log[0])
    download.fetch(
        snakemake.wildcards.file,
        snakemake.params.sha256,
        download.expand_mirrors(snakemake.params.mirrors, snakemake.wildcards.dataset),
        Path(snakemake.output[0]),
    )


if __name__ == "__main__":
    main()
