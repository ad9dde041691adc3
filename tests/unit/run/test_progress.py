"""The progress of runs."""

from batch_race.run import progress
from batch_race.run.progress import Progress, ProgressFile
from tests.project import DEFAULTS

BUDGET = {"seconds": 60.0}


def specification(**changes):
    return DEFAULTS | {"batch_size": 32, "seed": 1, "budget": BUDGET} | changes


def test_a_run_waits_until_it_writes_its_progress_and_leaves_no_file(tmp_path):
    with ProgressFile(tmp_path) as file:
        assert progress.read(tmp_path).share is None
        file.write(Progress(0.5, 0.1, 30))
        assert progress.read(tmp_path) == Progress(0.5, 0.1, 30)
        file.write(Progress(0.6, 0.1, 36))  # too soon
        assert progress.read(tmp_path).share == 0.5
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_being_written_is_ignored(tmp_path):
    (tmp_path / progress.NAME).write_text('{"share": 0.')
    assert progress.read(tmp_path) is None


def test_a_run_does_not_need_the_file(tmp_path):
    with ProgressFile(tmp_path / "not there") as file:
        file.write(Progress(0.5, 0.1, 30))


def test_the_time_left_is_that_of_a_schedule():
    # Six runs of 70 seconds, two at once: two are half finished, four have not started.
    runs = [Progress(0.4, 1.0, 35), Progress(0.5, 1.0, 35)]
    assert progress.estimate_run_seconds(progress.furthest(runs)) == 70
    runs[0] = runs[1]
    assert progress.estimate_seconds_left(runs, 4, 70) == 35 + 2 * 70


def test_no_estimate_soon_after_the_start():
    assert progress.furthest([]).share is None
    assert (
        progress.estimate_run_seconds(progress.furthest([Progress(0.01, 1.0, 3), Progress()]))
        is None
    )
    assert progress.estimate_seconds_left([Progress()], 1, 60) == 120
