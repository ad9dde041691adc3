# What the screen shows of a run. Included before config.yaml is read, which Snakemake reports.

import sys
from pathlib import Path

# This file's own place, whichever project uses the rules as a module.
RULES = Path(str(workflow.current_basedir))
if not RULES.is_dir():
    raise WorkflowError(
        f"{RULES}: found an address, expected a folder: the rules need the whole project; clone it "
        "and name its Snakefile by a path (docs/surroundings.md)"
    )
if {*"{}"} & {*str(RULES)}:
    raise WorkflowError(
        f"{RULES}: found braces, which Snakemake reads as a pattern, expected a path without"
    )
HOME = RULES.parents[1]
sys.path.append(str(HOME / "workflow" / "scripts"))

from batch_race import ending
from batch_race.run import screen
from batch_race.run.jobs import Jobs

JOBS = Jobs()
TERMINAL = None
# Not where this workflow is a module of another, or runs one job for another Snakemake.
if workflow.modifier.is_main_snakefile() and workflow.is_main_process:
    ending.hasten()
    screen.hide_reports(
        logger,
        workflow.output_settings,
        lambda: getattr(workflow.execution_settings, "no_hooks", False),
    )
    logger.addHandler(JOBS)
    TERMINAL = screen.open_terminal(logger)
