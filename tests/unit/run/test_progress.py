"""The progress of runs, and its display."""

import io
import logging
import time

import pytest

from batch_race.run import display, progress
from batch_race.run.display import Display
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


def test_runs_are_named_by_their_varying_parameters():
    runs = {"a": specification(), "b": specification(batch_size=1, seed=2)}
    assert progress.names(runs) == {"a": "batch 32, seed 1", "b": "batch 1, seed 2"}


@pytest.fixture
def folders(tmp_path):
    made = {run: tmp_path / run for run in ("large", "small", "done")}
    for folder in made.values():
        folder.mkdir()
    (made["done"] / "history.parquet").touch()
    return made


def test_lines_where_there_is_no_terminal(folders, monkeypatch):
    monkeypatch.setattr(display, "LINES_SECONDS", 0.05)
    sizes = {"large": 128, "small": 1, "done": 32}
    runs = {run: specification(batch_size=size) for run, size in sizes.items()}
    (folders["large"] / progress.NAME).write_text("left behind by a run that was killed")
    stream = io.StringIO()
    shown = Display(folders["done"].parent, runs, logging.getLogger("unused"), stream)
    shown.start()
    with ProgressFile(folders["large"]), ProgressFile(folders["small"]) as file:
        file.write(Progress(0.25, 0.1234, 17.5))
        time.sleep(0.3)
    shown.close()
    lines = stream.getvalue().splitlines()
    assert lines[-3:] == [
        "  batch 1: 25 %, loss 0.1234",
        "  batch 128: waits for a core",
        "1 of 3 runs done, 2 under way, about 2 min 3 s of training left",
    ]
    assert not any("killed" in line for line in lines)


def test_nothing_is_displayed_while_no_run_is_under_way(folders, monkeypatch):
    monkeypatch.setattr(display, "LINES_SECONDS", 0.05)
    stream = io.StringIO()
    runs = dict.fromkeys(folders, specification())
    shown = Display(folders["done"].parent, runs, logging.getLogger(), stream)
    shown.start()
    time.sleep(0.2)
    shown.close()
    assert stream.getvalue() == ""


def test_further_runs_are_displayed_with_those_known(folders, monkeypatch):
    monkeypatch.setattr(display, "LINES_SECONDS", 0.05)
    stream = io.StringIO()
    shown = Display(folders["done"].parent, {}, logging.getLogger("unused"), stream)
    shown.start()
    sizes = {"done": 32, "small": 1}
    for runs in (["done"], ["done", "small"]):
        shown.expect(runs, lambda run: specification(batch_size=sizes[run]))
    with ProgressFile(folders["small"]) as file:
        file.write(Progress(0.25, 0.1234, 17.5))
        time.sleep(0.3)
    shown.close()
    lines = stream.getvalue().splitlines()
    assert lines[-2] == "  batch 1: 25 %, loss 0.1234"
    assert lines[-1].startswith("1 of 2 runs done, 1 under way")
