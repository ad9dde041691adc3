# What all rules share: the checked configuration, the datasets and the runs that it asks for.

from snakemake.common.configfile import load_configfile
from snakemake.logging import is_quiet_about

from batch_race.errors import InputError
from batch_race.plan import (
    allocation,
    configuration,
    experiment,
    runs,
    sources,
    yaml_files,
)
from batch_race.report import closing
from batch_race.run import cores, display, machine
from batch_race.store import logs, rounds

logs.write_in_utf8(logger)

# What the sweep of a batch system's job was started with: later edits are none of its concern.
KEPT = None if workflow.is_main_process else experiment.find_kept()
if KEPT is None:
    try:
        yaml_files.check([Path("config.yaml"), *workflow.overwrite_configfiles])
    except InputError as error:
        raise WorkflowError(str(error))

    configfile: "config.yaml"


try:
    machine.check_user()
    experiment.check_results()
    if KEPT is None:
        LAYERS = [load_configfile(path) for path in workflow.overwrite_configfiles]
        configuration.replace_limits(
            config, [config, *LAYERS, workflow.config_settings.config]
        )
        PLANNED = experiment.plan(config)
    else:
        PLANNED = experiment.plan_kept(KEPT, config)
    if workflow.is_main_process and workflow.resource_settings.nodes is not None:
        kept = experiment.keep(config, PLANNED)
        workflow.register_envvars(experiment.VARIABLE)
        # Jobs would read the files of --configfile, before they reach this one.
        if workflow.overwrite_configfiles and workflow.modifier.is_main_snakefile():
            workflow.config_settings.configfiles[:] = [kept.absolute()]
except InputError as error:
    raise WorkflowError(str(error))
CATALOGUE, DATASETS, RUNS, RACE, MACHINES, DIGEST = PLANNED

DOWNLOADED = {name: each for name, each in CATALOGUE.items() if each["mirrors"]}

# By the folder's name, which is that of the wildcard `dataset`.
FOLDERS = {dataset.folder: dataset for dataset in DATASETS.values()}
EXPERIMENT = config["experiment"]
ANSWER = f"results/compare/{EXPERIMENT}/answer.txt"

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


# A dry run has no moment between its plan and the first job to refuse them.
if workflow.output_settings.dryrun and workflow.resource_settings.nodes is None:
    UNFINISHED = [
        specification
        for run, specification in RUNS.items()
        if not Path(f"results/train/{run}/history.parquet").exists()
    ]
    try:
        allocation.check_threads(UNFINISHED, cores.available())
    except InputError as error:
        logger.warning(f"This would fail: {error}")


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


def check_threads():
    """Refuse runs with more threads than cores, all at once and before the first job."""
    if not workflow.local_exec:
        return
    # Of a race, the first jobs to train follow from results.
    timed = [
        specification(job.wildcards)
        for job in workflow.dag.needrun_jobs()
        if job.rule.name in ("train", "find_crossings")
    ]
    if RACE and "decide" in JOBS.planned:
        timed += RUNS.values()
    given = workflow.resource_settings.cores
    allocation.check_threads(timed, cores.available(), given)


def runs_at_once():
    """Return how many runs are trained at once; None on a batch system."""
    if not workflow.local_exec:
        return None
    most = min(workflow.resource_settings.cores, cores.available())
    return most // max(specification["threads"] for specification in RUNS.values())


def follow_runs():
    """Pass the runs that are planned now, and those that failed, to the display."""
    planned = {
        f"{job.wildcards.dataset}/{job.wildcards.run}": job
        for job in workflow.dag.needrun_jobs()
        if job.rule.name == "train"
    }
    failed = {run for run, job in planned.items() if job in workflow.scheduler.failed}
    DISPLAY.follow(planned.keys() - failed, failed)


def show_results():
    """Show the answer and where the rest is, of what this run made or found up to date."""
    made = up_to_date()
    DISPLAY.notice(f"\n{last_message()}")
    for name, path in {
        "page": f"results/page/{EXPERIMENT}/report.html",
        "table": f"results/summarize/{EXPERIMENT}/table.md",
        "charts": f"results/plot/{EXPERIMENT}/",
    }.items():
        if any(file.startswith(path) for file in made):
            DISPLAY.notice(f"{name:6}  {path}")


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
    try:
        return runs.named_targets(config, wildcards.targets)
    except InputError as error:
        raise WorkflowError(str(error))


def round_file(number):
    """Return the file of a round; Snakemake comes back here once it is decided."""
    return checkpoints.decide.get(experiment=EXPERIMENT, round=number).output[0]


def round_before(wildcards):
    """Return the file of the round before; none for the first."""
    check_experiment(wildcards)
    check_race(wildcards)
    number = int(wildcards.round)
    return [round_file(number - 1)] if number else []


def history_file(run):
    """Return the history of a run."""
    return f"results/train/{run}/history.parquet"


def crossings_file(run, indices=None):
    """Return the crossings of a run to all targets, or to those with some indices."""
    return f"results/find_crossings/{run}/{runs.targets_name(config, indices)}.parquet"


def asked_histories(wildcards):
    """List the histories of the runs that the round before asked for."""
    decided = [rounds.read(Path(file)) for file in round_before(wildcards)]
    return [history_file(run) for each in decided for run in each.train]


def asked_crossings(wildcards):
    """List the crossings that the round before asked for."""
    return [
        crossings_file(trial.name, trial.sought)
        for file in round_before(wildcards)
        for trial in rounds.read(Path(file)).sought
    ]


def last_round(wildcards):
    """Return the file of the race's last round, once it is over; none without a race."""
    check_experiment(wildcards)
    if RACE is None:
        return []
    number = 0
    while True:
        file = round_file(number)
        decided = rounds.read(Path(file))
        DISPLAY.expect(decided.train)
        if decided.is_over:
            return file
        number += 1


def last_round_of_race(wildcards):
    """Return the file of the race's last round; refuse where there is no race."""
    check_race(wildcards)
    return last_round(wildcards)


def counted_runs(wildcards):
    """List the runs whose results count."""
    last = last_round(wildcards)
    return [trial.name for trial in rounds.read(Path(last)).trials] if last else RUNS


def histories(wildcards):
    """List the histories of the runs whose results count."""
    return [history_file(run) for run in counted_runs(wildcards)]


def final_weights(wildcards):
    """List the weights of the runs whose results count."""
    return [f"results/train/{run}/weights.npz" for run in counted_runs(wildcards)]


def crossings(wildcards):
    """List the crossings of the runs whose results count, as far as they were looked for."""
    if not (last := last_round(wildcards)):
        return [crossings_file(run) for run in RUNS]
    return [
        crossings_file(trial.name, trial.sought)
        for trial in rounds.read(Path(last)).trials
        if trial.sought
    ]


def up_to_date():
    """Return the files that this run made or found up to date; others may be of earlier runs."""
    dag = workflow.dag
    return {
        str(file)
        for job in dag.jobs
        if dag.finished(job) or not dag.needrun(job)
        for file in job.output
    }


def last_message():
    """Return the answer, if it is up to date, or else how to make it."""
    other_targets = set(workflow.dag_settings.targets) - {"all", "answer"}
    return closing.answer(
        Path(ANSWER),
        DIGEST,
        is_made=ANSWER in up_to_date(),
        command=closing.command(sys.argv[1:], other_targets),
    )
