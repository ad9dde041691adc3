# What all rules share: the checked configuration, the datasets and the runs that it asks for.

from pathlib import Path

import yaml

from workflow.scripts.common import configuration, datasets, runs
from workflow.scripts.common.errors import InputError

HOME = Path(workflow.basedir)


try:
    configuration.check(
        config,
        yaml.safe_load((HOME / "workflow/schemas/config.schema.yaml").read_text()),
    )
    validate(
        config, HOME / "workflow/schemas/config.schema.yaml"
    )  # fills in the defaults
    CATALOGUE = yaml.safe_load((HOME / "workflow/datasets.yaml").read_text())
    DATASETS = datasets.known(CATALOGUE, config["own_datasets"])
    RUNS = runs.expand(config, DATASETS)
except InputError as error:
    raise WorkflowError(str(error))

EXPERIMENT = config["experiment"]


wildcard_constraints:
    dataset="[A-Za-z0-9][A-Za-z0-9_-]*",
    experiment="[A-Za-z0-9][A-Za-z0-9_-]*",
