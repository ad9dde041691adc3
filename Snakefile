# Batch Race: which batch size gets a network's loss down fastest in a given time?
#
# Reads config.yaml, trains one network for each configuration in it, and draws the answer. The
# rules are in the order of the data: workflow/rules/data.smk, train.smk, analyze.smk, report.smk.

from snakemake.utils import min_version

min_version("9.27")


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/race.smk"
include: "workflow/rules/analyze.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/benchmark.smk"


rule all:
    default_target: True
    input:
        f"results/summarize/{EXPERIMENT}/table.md",
        f"results/compare/{EXPERIMENT}/answer.txt",
        f"results/forecast/{EXPERIMENT}/forecast.txt",
        expand(
            f"results/plot/{EXPERIMENT}/{{chart}}.{{format}}",
            chart=CHARTS,
            format=["svg", "png", "json"],
        ),
        f"results/page/{EXPERIMENT}/report.html",


KILLED_BEFORE = machine.kills_for_memory()
DISPLAY = display.Display(Path("results/train"), {} if RACE else RUNS, logger)


onstart:
    # The limiter of jobs per second starts a timer for each finished job, which starts another when
    # it expires: after a hundred runs the scheduler runs a hundred times a second, on cores of
    # timed runs (Snakemake's issue 2967). Submissions to a batch system are still limited.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None
    try:
        allocation.check_executor(workflow.executor_settings)
    except InputError as error:
        raise WorkflowError(str(error))
    DISPLAY.start()


onerror:
    DISPLAY.close()
    n_killed = machine.kills_for_memory() - KILLED_BEFORE
    if n_killed > 0:
        logger.error(
            f"Meanwhile the kernel has killed {n_killed} of this machine's processes for lack of "
            "memory, probably the run that died with SIGKILL. The same command resumes from its "
            "checkpoint; fewer runs at once (--cores) or fewer hidden_nodes need less memory."
        )


onsuccess:
    DISPLAY.close()
    drawn = sorted(Path(f"results/plot/{EXPERIMENT}").glob("*.svg"))
    table = Path(f"results/summarize/{EXPERIMENT}/table.md")
    for path in (table, *drawn, Path(f"results/page/{EXPERIMENT}/report.html")):
        if path.exists():
            logger.info(f"  {path}")
    answer = Path(f"results/compare/{EXPERIMENT}/answer.txt")
    if answer.exists():
        logger.info(answer.read_text())
