"""The results of other machines, to compare with those of this one."""

from collections.abc import Mapping
from pathlib import Path

from batch_race.errors import InputError
from batch_race.store import foreign
from batch_race.store.files import folder_of


def results_elsewhere(machines: Mapping[str, str], experiment: str) -> dict[str, tuple[str, str]]:
    """Return the files with the collected histories and crossings of other machines.

    Parameters
    ----------
    machines : mapping of str to str
        The results folder of each machine, by its name.
    experiment : str

    Returns
    -------
    dict of str to tuple of str
        For each machine, by its name, the paths of its histories and its crossings.

    Raises
    ------
    InputError
        If a file is missing or not what a workflow writes, or a folder is that of this machine's
        results.
    """
    found = {}
    for name, folder in machines.items():
        results = folder_of(f"machines.{name}", folder)
        if results.resolve().is_relative_to(Path("results").resolve()):
            raise InputError(
                f"machines.{name}: found this machine's own results, expected another's"
            )
        collected = results / "collect" / experiment
        paths = (collected / "histories.parquet", collected / "crossings.parquet")
        for path in paths:
            if not path.is_file():
                raise InputError(
                    f"machines.{name}: found no {path}, expected a results folder in which the "
                    f"experiment {experiment} is finished"
                )
        foreign.read(name, *paths)  # a mistake is to be said before runs are trained
        found[name] = (str(paths[0]), str(paths[1]))
    return found
