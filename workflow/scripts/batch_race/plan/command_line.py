"""Checks of what Snakemake meets before it reads the workflow, and would answer with a traceback.

The default profile calls them: it is the first file of this project that Snakemake reads.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from snakemake.common import get_appdirs

from batch_race.errors import InputError
from batch_race.plan import yaml_files


def check(arguments: Sequence[str]) -> None:
    """Check the configuration files of a command line, and that Snakemake can write its cache.

    Parameters
    ----------
    arguments : sequence of str
        Those of the command `snakemake`.

    Raises
    ------
    InputError
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="*", default=[], type=Path)
    parser.add_argument("--shared-fs-usage", nargs="*", default=["source-cache"])
    given, _ = parser.parse_known_args(arguments)
    for path in given.configfile:
        if path.is_dir() or not os.access(path, os.R_OK):
            raise InputError(f"--configfile: found no readable file {path}, expected a YAML file")
    yaml_files.check(given.configfile)
    if "source-cache" in given.shared_fs_usage:
        check_cache(Path(get_appdirs().user_cache_dir, "snakemake", "source-cache"))


def check_cache(folder: Path) -> None:
    """Check that a folder for Snakemake's cache is there or can be made, and can be written to.

    Raises
    ------
    InputError
        If not; the message says what helps.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"HOME: found {os.environ.get('HOME', 'none')}, where Snakemake cannot write its cache "
            f"({error.filename}: {error.strerror}), expected a folder that can be written to; "
            "another one for the cache is enough, as in XDG_CACHE_HOME=/tmp/me snakemake …"
        ) from error
