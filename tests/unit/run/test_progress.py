"""How far runs say they are, and how that is shown."""

import io
import logging
import time

import pytest

from batch_race.run import display, progress
from batch_race.run.display import Display
from batch_race.run.progress import Note, Notebook

BUDGET = {"seconds": 60.0}


def specification(**changes):
    keys = dict.fromkeys(("dataset", "initializer", "inputs", "leftover", "elementwise"), "same")
    keys |= dict.fromkeys(("hidden_nodes", "seed", "shuffle", "threads"), 1)
    return keys | {"batch_size": 32, "learning_rate": 0.01, "budget": BUDGET} | changes


def test_a_run_waits_until_it_says_how_far_it_is_and_leaves_nothing(tmp_path):
    with Notebook(tmp_path) as notebook:
        assert progress.read(tmp_path).share is None
        notebook.write(Note(0.5, 0.1, 30))
        assert progress.read(tmp_path) == Note(0.5, 0.1, 30)
        notebook.write(Note(0.6, 0.1, 36))  # too soon
        assert progress.read(tmp_path).share == 0.5
    assert list(tmp_path.iterdir()) == []


def test_a_note_that_is_being_written_is_none(tmp_path):
    (tmp_path / progress.NAME).write_text('{"share": 0.')
    assert progress.read(tmp_path) is None


def test_a_run_without_room_for_notes_goes_on(tmp_path):
    with Notebook(tmp_path / "not there") as notebook:
        notebook.write(Note(0.5, 0.1, 30))


def test_the_time_left_is_that_of_a_schedule():
    # Six runs of 70 seconds, two at once: two are half way, four are to come.
    notes = [Note(0.4, 1.0, 35), Note(0.5, 1.0, 35)]
    assert progress.usual_seconds(progress.furthest(notes)) == 70
    notes[0] = notes[1]
    assert progress.seconds_left(notes, 4, 70) == 35 + 2 * 70


def test_what_has_only_begun_tells_nothing():
    assert progress.furthest([]).share is None
    assert progress.usual_seconds(progress.furthest([Note(0.01, 1.0, 3), Note()])) is None
    assert progress.seconds_left([Note()], 1, 60) == 120


def test_runs_are_named_by_what_tells_them_apart():
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
    monkeypatch.setattr(display, "LINE_SECONDS", 0.05)
    sizes = {"large": 128, "small": 1, "done": 32}
    runs = {run: specification(batch_size=size) for run, size in sizes.items()}
    (folders["large"] / progress.NAME).write_text("left by a run that was killed")
    stream = io.StringIO()
    shown = Display(folders, runs, logging.getLogger("nobody's"), stream)
    shown.start()
    with Notebook(folders["large"]), Notebook(folders["small"]) as notebook:
        notebook.write(Note(0.25, 0.1234, 17.5))
        time.sleep(0.3)
    shown.close()
    lines = stream.getvalue().splitlines()
    assert lines[-3:] == [
        "  batch 1: 25 %, loss 0.1234",
        "  batch 128: waits for a core",
        "1 of 3 runs done, 2 under way, about 2 min 3 s of training left",
    ]
    assert not any("killed" in line for line in lines)


def test_nothing_is_said_while_no_run_is_under_way(folders, monkeypatch):
    monkeypatch.setattr(display, "LINE_SECONDS", 0.05)
    stream = io.StringIO()
    shown = Display(folders, dict.fromkeys(folders, specification()), logging.getLogger(), stream)
    shown.start()
    time.sleep(0.2)
    shown.close()
    assert stream.getvalue() == ""
