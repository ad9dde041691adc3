"""The results of other machines."""

from collections.abc import Mapping
from pathlib import Path

from batch_race.errors import InputError
from batch_race.store.files import folder_of


def results_elsewhere(machines: Mapping[str, str], experiment: str) -> dict[str, tuple[str, str]]:
    """Find the collected histories and crossings of other machines.

    Parameters
    ----------
    machines : mapping of str to str
        Names, and the results folder of each.
    experiment : str

    Returns
    -------
    dict of str to tuple of str
        By the name, the files with the machine's collected histories and crossings.

    Raises
    ------
    InputError
        If one is missing, or this machine's own.
    """
    found = {}
    for name, folder in machines.items():
        results = folder_of(f"machines.{name}", folder)
        if results.resolve().is_relative_to(Path("results").resolve()):
            raise InputError(
                f"machines.{name}: found this machine's own results, expected another's"
            )
        paths = (
            results / "collect" / experiment / "histories.parquet",
            results / "collect_crossings" / experiment / "crossings.parquet",
        )
        for path in paths:
            if not path.is_file():
                raise InputError(
                    f"machines.{name}: found no {path}, expected a results folder in which the "
                    f"experiment {experiment} is finished"
                )
        found[name] = (str(paths[0]), str(paths[1]))
    return found
