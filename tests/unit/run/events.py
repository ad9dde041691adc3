"""Records as Snakemake logs them."""

import logging

from snakemake_interface_logger_plugins.common import LogEvent


def record(message="", level=logging.INFO, function="schedule", **fields):
    made = logging.LogRecord("snakemake.logging", level, "x.py", 1, message, (), None, function)
    vars(made).update(fields)
    return made


def started(number, rule):
    return record(event=LogEvent.JOB_INFO, jobid=number, rule_name=rule)


def finished(number):
    return record(event=LogEvent.JOB_FINISHED, job_id=number)


def failed(number):
    return record(level=logging.ERROR, event=LogEvent.JOB_ERROR, jobid=number)


def planned(**jobs):
    stats = jobs | {"total": sum(jobs.values())}
    return record(event=LogEvent.RUN_INFO, stats=stats)


def counted(done, total):
    return record(event=LogEvent.PROGRESS, done=done, total=total)
