"""The jobs of a workflow that are under way, from the events that Snakemake logs."""

import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

NOTHING = "Nothing to be done"
"""How Snakemake's message begins when it finds all files up to date."""


class Jobs(logging.Handler):
    """A log handler that keeps count of Snakemake's jobs.

    Attributes
    ----------
    n_done, n_all : int
        Numbers of finished jobs and of all jobs, which checkpoints change.
    planned : dict of str to int
        Number of jobs by rule, as Snakemake starts.
    changed : threading.Event
        Set when a job starts or ends.
    if_starting : callable
        Called each time Snakemake is about to start jobs, in the thread that plans them.
    if_none : callable
        Called if Snakemake finds nothing to be done, as it calls no handler of the workflow then.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.n_done = 0
        self.n_all = 0
        self.planned: dict[str, int] = {}
        self.changed = threading.Event()
        self.if_starting: Callable[[], object] = lambda: None
        self.if_none: Callable[[], object] = lambda: None
        self._rules: dict[int, str] = {}  # of the jobs under way, by the job's number

    def under_way(self) -> Counter[str]:
        """Count the jobs that have started and not ended, by rule."""
        return Counter(list(self._rules.values()))

    def emit(self, record: logging.LogRecord) -> None:
        """Follow the events of jobs; other records are ignored."""
        # Another version's event may lack a field: then a count is missing, and nothing fails.
        with contextlib.suppress(KeyError):
            if self._follow(vars(record)):
                self.changed.set()

    def _follow(self, fields: Mapping[str, Any]) -> bool:
        """Return whether a record, by its fields, changes what is under way."""
        match fields.get("event"):
            case "job_started":
                self.if_starting()
                return False
            case "job_info":
                self._rules[fields["jobid"]] = fields["rule_name"]
            case "job_finished":
                self._rules.pop(fields["job_id"], None)
            case "job_error":
                self._rules.pop(fields["jobid"], None)
            case "run_info":
                self.planned = {**fields["stats"]}
                self.n_all = self.planned.pop("total")
            case "progress":
                self.n_done, self.n_all = fields["done"], fields["total"]
            case None if str(fields["msg"]).startswith(NOTHING):
                self.if_none()
                return False
            case _:
                return False
        return True
