# What all rules share: the checked configuration, the datasets and the runs that it asks for.

import sys
from pathlib import Path

# This file's own place, whichever project uses the rules as a module.
RULES = Path(str(workflow.current_basedir))
if not RULES.is_dir():
    raise WorkflowError(
        f"{RULES}: found an address, expected a folder: the rules need the whole project; clone it "
        "and name its Snakefile by a path (docs/surroundings.md)"
    )
sys.path.append(str(RULES.parent / "scripts"))

from snakemake.common.configfile import load_configfile

from batch_race.errors import InputError
from batch_race.plan import allocation, configuration, experiment, runs, sources
from batch_race.run import cores, display, machine
from batch_race.store import logs, rounds

logs.write_in_utf8(logger)

LAYERS = [load_configfile(path) for path in workflow.overwrite_configfiles]
configuration.replace_limits(config, [config, *LAYERS, workflow.config_settings.config])
try:
    machine.check_user()
    CATALOGUE, DATASETS, RUNS, RACE, MACHINES = experiment.plan(config)
except InputError as error:
    raise WorkflowError(str(error))

DOWNLOADED = {name: each for name, each in CATALOGUE.items() if each["mirrors"]}

# By the folder's name, which is that of the wildcard `dataset`.
FOLDERS = {dataset.folder: dataset for dataset in DATASETS.values()}
EXPERIMENT = config["experiment"]
TARGETS = runs.targets_name(config)

# The table of a race's decisions, an input of what reads it; none without a race.
DECISIONS = ["results/collect_decisions/{experiment}/decisions.parquet"] if RACE else []

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
    round=r"\d+",


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


def verbatim(value):
    """Return an input function of a parameter: Snakemake reads texts in others as patterns.

    All that a user configured becomes a parameter by this function.
    """
    return lambda wildcards: value


def mirrors(wildcards, output):
    """List where to look for a file, the user's mirrors first.

    Asking for `output` makes this a derived parameter, whose change reruns nothing: it is the
    checksum that says what the file is, not the place it came from.
    """
    return config["mirrors"] + named(wildcards.dataset, DOWNLOADED)["mirrors"]


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
    found = RACE.find(run) if RACE else RUNS.get(run)
    if found is None:
        raise WorkflowError(
            f"results/train/{run}: not a run that this configuration asks for"
        )
    return found


def check_experiment(wildcards):
    """Refuse another experiment's name in a target's path.

    All results of an experiment depend on the runs of this configuration: they would be its results
    under a wrong name.
    """
    if wildcards.experiment != EXPERIMENT:
        raise WorkflowError(
            f"experiment: found {wildcards.experiment} in a target's path, expected {EXPERIMENT}, "
            "the experiment of this configuration"
        )


def check_race(wildcards):
    """Refuse a race's files where all runs are known before."""
    if RACE is None:
        raise WorkflowError(
            f"{EXPERIMENT}: found no race, expected pruning or learning_rate: auto for its rounds"
        )


def asked_targets(wildcards):
    """Look up the targets of a file that is named by them."""
    if wildcards.targets != TARGETS:
        raise WorkflowError(
            f"targets: found {wildcards.targets} in a target's path, expected {TARGETS}, those of "
            "this configuration"
        )
    return runs.asked(config)


def round_file(number):
    """Return the file of a round; Snakemake comes back here once it is decided."""
    return checkpoints.decide.get(experiment=EXPERIMENT, round=number).output[0]


def round_before(wildcards):
    """Return the file of the round before; none for the first."""
    check_experiment(wildcards)
    check_race(wildcards)
    number = int(wildcards.round)
    return [round_file(number - 1)] if number else []


def of_asked_runs(kind, pattern):
    """Return an input function that lists a file of each run that the round before asked for."""

    def files(wildcards):
        decided = [rounds.read(Path(file)) for file in round_before(wildcards)]
        return [
            pattern.format(run=run) for each in decided for run in getattr(each, kind)
        ]

    return files


def last_round(wildcards):
    """Return the file of the race's last round, once it is over; none without a race."""
    check_experiment(wildcards)
    if RACE is None:
        return []
    number = 0
    while True:
        file = round_file(number)
        decided = rounds.read(Path(file))
        DISPLAY.expect(decided.train, RACE.find)
        if decided.is_over:
            return file
        number += 1


def last_round_of_race(wildcards):
    """Return the file of the race's last round; refuse where there is no race."""
    check_race(wildcards)
    return last_round(wildcards)


def of_each_run(pattern):
    """Return an input function that lists a file of each run whose results count.

    Parameters
    ----------
    pattern : str
        The file's path, with `{run}`.
    """

    def files(wildcards):
        last = last_round(wildcards)
        names = (
            [trial.name for trial in rounds.read(Path(last)).trials] if last else RUNS
        )
        return expand(pattern, run=names)

    return files


histories = of_each_run("results/train/{run}/history.parquet")
