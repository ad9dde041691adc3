# What the screen shows of a run. Included before config.yaml is read, which Snakemake reports.

import sys
from pathlib import Path

HOME = Path(str(workflow.current_basedir)).parents[1]  # also where this is a module
sys.path.append(str(HOME / "workflow" / "scripts"))

from batch_race.run import screen
from batch_race.run.jobs import Jobs

JOBS = Jobs()
TERMINAL = None
# Not where this workflow is a module of another, or runs one job for another Snakemake.
if workflow.modifier.is_main_snakefile() and workflow.is_main_process:
    screen.hide_reports(logger, workflow.output_settings)
    logger.addHandler(JOBS)
    TERMINAL = screen.open_terminal(logger)
