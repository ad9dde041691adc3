# Batch Race: which batch size gets a network's loss down fastest in a given time?
#
# Reads config.yaml, trains one network for each configuration in it, and draws the answer. The
# rules are in the order of the data: workflow/rules/data.smk, train.smk, analyze.smk, report.smk.

from snakemake.utils import min_version

min_version("9.27")


include: "workflow/rules/screen.smk"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/race.smk"
include: "workflow/rules/analyze.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/benchmark.smk"


# Without charts and page.
rule answer:
    input:
        expand(f"results/summarize/{EXPERIMENT}/table.{{format}}", format=["md", "csv"]),
        ANSWER,


rule all:
    default_target: True
    input:
        rules.answer.input,
        f"results/forecast/{EXPERIMENT}/forecast.txt",
        f"results/collect/{EXPERIMENT}/histories.csv",
        expand(
            f"results/plot/{EXPERIMENT}/{{chart}}.{{format}}",
            chart=CHARTS,
            format=["svg", "json"],
        ),
        f"results/page/{EXPERIMENT}/report.html",


KILLED_BEFORE = machine.kills_for_memory()
DISPLAY = display.Display(
    Path("results/train"),
    () if RACE else RUNS,
    RACE.find if RACE else RUNS.__getitem__,
    {name: dataset.train_count for name, dataset in DATASETS.items()},
    JOBS,
    logger,
    TERMINAL,
)
JOBS.if_none = show_results


onstart:
    # The limiter of jobs per second starts a timer for each finished job, which starts another when
    # it expires: after a hundred runs the scheduler runs a hundred times a second, on cores of
    # timed runs (Snakemake's issue 2967). Submissions to a batch system are still limited.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None
        if quota := cores.notice():
            logger.warning(quota)
    try:
        allocation.check_executor(workflow.executor_settings)
        check_threads()
    except InputError as error:
        raise WorkflowError(str(error))
    if not is_quiet_about(workflow.output_settings.quiet or (), "progress"):
        follow_runs()
        JOBS.if_starting = follow_runs
        DISPLAY.start()
        DISPLAY.notice(DISPLAY.plan(EXPERIMENT, runs_at_once(), bool(RACE)))


onerror:
    DISPLAY.close()
    n_killed = machine.kills_for_memory() - KILLED_BEFORE
    if n_killed > 0:
        logger.error(
            f"Meanwhile the kernel has killed {n_killed} of this machine's processes for lack of "
            "memory, probably the run that died with SIGKILL. The same command resumes from its "
            "checkpoint; fewer runs at once (--cores) or fewer hidden_nodes need less memory."
        )
    DISPLAY.notice(last_message())
    if log:
        DISPLAY.notice(f"Full log: {', '.join(map(os.path.relpath, log))}")


onsuccess:
    DISPLAY.close()
    show_results()
