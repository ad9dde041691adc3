"""The jobs under way, from Snakemake's events."""

from snakemake.common import NOTHING_TO_BE_DONE_MSG
from snakemake_interface_logger_plugins.common import LogEvent

from batch_race.run.jobs import Jobs
from tests.unit.run import events


def test_jobs_start_and_end():
    jobs = Jobs()
    for record in (
        events.planned(train=2, plot_curves=1),
        events.started(1, "train"),
        events.started(2, "train"),
        events.started(3, "plot_curves"),
        events.finished(1),
        events.failed(3),
        events.counted(1, 5),
    ):
        jobs.handle(record)
    assert jobs.planned == {"train": 2, "plot_curves": 1}
    assert jobs.under_way() == {"train": 1}
    assert (jobs.n_done, jobs.n_all) == (1, 5)


def test_the_number_of_jobs_is_known_before_the_first_has_finished():
    jobs = Jobs()
    jobs.handle(events.planned(train=2, parse=1))
    assert (jobs.n_done, jobs.n_all) == (0, 3)


def test_only_events_of_jobs_are_changes():
    jobs = Jobs()
    jobs.handle(events.record("Select jobs to execute..."))
    jobs.handle(events.record(event="of_another_version"))
    assert not jobs.changed.is_set()
    jobs.handle(events.started(1, "train"))
    assert jobs.changed.is_set()


def test_nothing_to_do_is_noticed():
    jobs = Jobs()
    jobs.handle(events.record(NOTHING_TO_BE_DONE_MSG))  # by default without consequences
    called = []
    jobs.if_none = lambda: called.append("once")
    jobs.handle(events.record(NOTHING_TO_BE_DONE_MSG))
    jobs.handle(events.started(1, "train"))
    assert called == ["once"]


def test_the_start_of_jobs_is_noticed_before_they_start():
    jobs = Jobs()
    jobs.handle(events.record(event=LogEvent.JOB_STARTED))  # by default without consequences
    called = []
    jobs.if_starting = lambda: called.append("once")
    jobs.handle(events.record(event=LogEvent.JOB_STARTED))
    jobs.handle(events.started(1, "train"))
    assert called == ["once"]


def test_an_event_without_its_fields_is_no_fault():
    jobs = Jobs()
    for event in LogEvent:
        jobs.handle(events.record(event=event))
    assert jobs.under_way() == {}
