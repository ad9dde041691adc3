# What the screen shows of a run. Included before config.yaml is read, which Snakemake reports.

import sys
from pathlib import Path

HOME = Path(workflow.basedir)
sys.path.append(str(HOME / "workflow" / "scripts"))

from batch_race.run import screen
from batch_race.run.jobs import Jobs
from batch_race.run.screen import NOTICE

JOBS = Jobs()
logger.addHandler(JOBS)
# Not where this workflow is a module of another, or runs one job for another Snakemake.
if workflow.modifier.is_main_snakefile() and workflow.is_main_process:
    screen.hide_reports(logger, workflow.output_settings)
