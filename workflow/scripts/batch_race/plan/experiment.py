"""From a configuration to all that an experiment needs: its datasets, its runs, other machines.

A job of a batch system plans the experiment again, perhaps a day later. So what a plan is made from
is kept in a file, and what is edited meanwhile changes nothing for the jobs.
"""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from batch_race import hyperparameters
from batch_race.errors import InputError
from batch_race.plan import configuration, datasets, machines, race, runs
from batch_race.plan.datasets import Dataset
from batch_race.plan.race import Race
from batch_race.plan.runs import Specification
from batch_race.store.files import replacing

KEPT = Path("results/keep_configuration")
"""The folder of what plans were made from, each file named by its content."""

VARIABLE = "BATCH_RACE_KEPT"
"""The environment variable by which jobs get the path of such a file."""

CATALOGUE_FILE = Path(__file__).parents[3] / "datasets.yaml"


class Experiment(NamedTuple):
    """A planned experiment.

    Attributes
    ----------
    catalogue : dict
        What workflow/datasets.yaml says of each dataset that can be downloaded or drawn.
    datasets : dict of str to Dataset
        Those that can be named.
    runs : dict of str to dict
        By its name, each run's specification; of a race, that of its whole budget.
    race : Race or None
        If only results decide which runs are made; see `plan.race`.
    machines : dict of str to tuple of str
        By its name, another machine's collected histories and crossings.
    digest : str
        Of all that the answer depends on: an answer with another one is to another configuration.
    """

    catalogue: dict[str, Any]
    datasets: dict[str, Dataset]
    runs: dict[str, Specification]
    race: Race | None
    machines: dict[str, tuple[str, str]]
    digest: str


def check_results(folder: Path = KEPT.parent) -> None:
    """Check that the folder of all results is one or can be made.

    Raises
    ------
    InputError
        If there is a file in its place, or a link to a folder that is not there.
    """
    if folder.is_symlink() and not folder.exists():
        raise InputError(
            f"{folder}: found a link to {folder.readlink()}, which is not there, expected a "
            "folder; is its disk mounted?"
        )
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: found a file, expected a folder")


def plan(config: dict[str, Any]) -> Experiment:
    """Check a configuration, and plan its experiment.

    Parameters
    ----------
    config : dict
        What the user configured; completed in place.

    Raises
    ------
    InputError
        If it has mistakes, or names files that are not there.
    """
    configuration.check(config, hyperparameters.load_schema())
    catalogue = yaml.safe_load(CATALOGUE_FILE.read_text("utf-8"))
    known = datasets.known(catalogue, config["own_datasets"])
    elsewhere = machines.results_elsewhere(config["machines"], config["experiment"])
    return _plan(config, catalogue, known, elsewhere)


def keep(config: dict[str, Any], planned: Experiment) -> Path:
    """Write what a plan was made from, for jobs that this process submits; return the file.

    Parameters
    ----------
    config : dict
        Complete, as `plan` leaves it.
    planned : Experiment

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    given = {
        "config": config,
        "catalogue": planned.catalogue,
        "datasets": {name: asdict(dataset) for name, dataset in planned.datasets.items()},
        "machines": planned.machines,
    }
    content = json.dumps(given, indent=2) + "\n"
    path = KEPT / f"{hashlib.sha256(content.encode()).hexdigest()[:10]}.json"
    with replacing(path) as temporary:
        temporary.write_text(content, encoding="utf-8")
    os.environ[VARIABLE] = str(path)
    return path


def find_kept() -> Path | None:
    """Return the file that `keep` wrote for this job; None if there is none, or none is seen."""
    path = Path(os.environ.get(VARIABLE, ""))
    return path if path.is_file() else None


def plan_kept(path: Path, config: dict[str, Any]) -> Experiment:
    """Plan an experiment from what `keep` wrote.

    Parameters
    ----------
    path : Path
    config : dict
        Replaced in place by that of the file.
    """
    given = json.loads(path.read_text("utf-8"))
    config.clear()
    config.update(given["config"])
    known = {
        name: Dataset(**dataset | {"made": tuple(dataset["made"])})
        for name, dataset in given["datasets"].items()
    }
    elsewhere = {name: (paths[0], paths[1]) for name, paths in given["machines"].items()}
    return _plan(config, given["catalogue"], known, elsewhere)


def _plan(
    config: dict[str, Any],
    catalogue: dict[str, Any],
    known: dict[str, Dataset],
    elsewhere: dict[str, tuple[str, str]],
) -> Experiment:
    planned = runs.expand(config, known)
    raced = race.plan(config, planned, known)
    asked = [sorted(planned), raced and raced.parts, elsewhere, runs.asked(config)]
    digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:10]
    return Experiment(catalogue, known, planned, raced, elsewhere, digest)
