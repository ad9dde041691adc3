# What all rules share: the checked configuration, the datasets and the runs that it asks for.

import sys
from pathlib import Path

HOME = Path(workflow.basedir)
sys.path.append(str(HOME / "workflow" / "scripts"))

from batch_race.errors import InputError
from batch_race.plan import allocation, experiment, runs, sources
from batch_race.run import cores, display, machine

try:
    CATALOGUE, DATASETS, RUNS, MACHINES = experiment.plan(config)
except InputError as error:
    raise WorkflowError(str(error))

# By the folder's name, which is that of the wildcard `dataset`.
FOLDERS = {dataset.folder: dataset for dataset in DATASETS.values()}
EXPERIMENT = config["experiment"]

# A run that had to wait for a core would be started while others are timed, and starting costs
# them time. So on this machine no more are started than it has physical cores, whatever --cores
# says. (A batch system, which is given a number of jobs instead, counts its own nodes' cores.)
if (
    workflow.resource_settings.nodes is None
    and "physical_cores" not in workflow.global_resources
):
    workflow.register_resource("physical_cores", cores.available())


wildcard_constraints:
    dataset="[A-Za-z0-9][A-Za-z0-9_-]*",
    experiment="[A-Za-z0-9][A-Za-z0-9_-]*",


def code(*files):
    """Compute a digest of the code that a result depends on: a change makes it again.

    Parameters
    ----------
    *files : str or Path
        The rule's script, and modules that it finds by name; relative to workflow/scripts/.
    """
    return sources.digest(*(sources.SCRIPTS / file for file in files))


def named(dataset, table):
    """Look up a dataset that a target's path names."""
    if dataset not in table:
        raise WorkflowError(
            f"dataset: found {dataset} in a target's path, expected one of {', '.join(table)}"
        )
    return table[dataset]


def mirrors(wildcards, output):
    """List where to look for a file, the user's mirrors first.

    Asking for `output` makes this a derived parameter, whose change reruns nothing: it is the
    checksum that says what the file is, not the place it came from.
    """
    return config["mirrors"] + CATALOGUE[wildcards.dataset]["mirrors"]


# The next three ask for `output` for the same reason: they do not change what a run's result is.


def on_contention(wildcards, output):
    """Return how a contended run is treated."""
    return config["on_contention"]


def checkpoint_seconds(wildcards, output):
    """Return how often a run saves its state."""
    return config["checkpoint_seconds"]


def originals(wildcards, output):
    """Return the path of a dataset's original files."""
    return named(wildcards.dataset, FOLDERS).originals


def specification(wildcards):
    """Look up what a run is to do, by its name."""
    run = f"{wildcards.dataset}/{wildcards.run}"
    if run not in RUNS:
        raise WorkflowError(
            f"results/train/{run}: not a run that this configuration asks for"
        )
    return RUNS[run]


def histories(wildcards):
    """List the histories of the experiment.

    All results of an experiment depend on these, so another experiment's name is refused here: they
    would be this configuration's results under a wrong name.
    """
    if wildcards.experiment != EXPERIMENT:
        raise WorkflowError(
            f"experiment: found {wildcards.experiment} in a target's path, expected {EXPERIMENT}, "
            "the experiment of this configuration"
        )
    return expand("results/train/{run}/history.parquet", run=RUNS)
