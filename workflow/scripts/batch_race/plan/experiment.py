"""From a configuration to all that an experiment needs: its datasets, its runs, other machines."""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from batch_race import hyperparameters
from batch_race.plan import configuration, datasets, machines, race, runs
from batch_race.plan.datasets import Dataset
from batch_race.plan.race import Race
from batch_race.plan.runs import Specification

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
    planned = runs.expand(config, known)
    raced = race.plan(config, planned, known)
    elsewhere = machines.results_elsewhere(config["machines"], config["experiment"])
    asked = [sorted(planned), raced and raced.parts, elsewhere, runs.asked(config)]
    digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:10]
    return Experiment(catalogue, known, planned, raced, elsewhere, digest)
