"""The display of progress."""

import io
import logging
import os
import time

import pytest

from batch_race.run import display, progress
from batch_race.run.display import Display
from batch_race.run.jobs import Jobs
from batch_race.run.progress import Progress, ProgressFile
from tests.project import DEFAULTS, wait_until
from tests.unit.run import events

BUDGET = {"seconds": 60.0}


def specification(**changes):
    return DEFAULTS | {"batch_size": 32, "seed": 1, "budget": BUDGET} | changes


@pytest.fixture
def folders(tmp_path):
    made = {run: tmp_path / run for run in ("large", "small", "done")}
    for folder in made.values():
        folder.mkdir()
        (folder / "history.parquet").touch()  # of an earlier invocation
    return made


RUNS = {
    name: specification(batch_size=size)
    for name, size in {"large": 128, "small": 1, "done": 32}.items()
}


@pytest.fixture
def stream(monkeypatch):
    monkeypatch.setattr(display, "LINES_SECONDS", 0.05)
    return io.StringIO()


UNFINISHED = {"large", "small"}


def made(folder, runs, stream, jobs=None, terminal=None):
    log = logging.Logger("snakemake.logging")
    log.addHandler(logging.StreamHandler(stream))
    find = (RUNS | runs).__getitem__
    return Display(folder, runs, find, {"mnist": 60000}, jobs or Jobs(), log, terminal)


class Terminal:
    """Keeps what it is to show."""

    def __init__(self, columns=80, lines=24):
        self.size = os.terminal_size((columns, lines))
        self.shown = []

    def show(self, lines):
        self.shown.append(lines)


def test_lines_where_there_is_no_terminal(folders, stream):
    (folders["large"] / progress.NAME).write_text("left behind by a run that was killed")
    shown = made(folders["done"].parent, RUNS, stream)
    shown.follow(UNFINISHED)
    assert not (folders["large"] / progress.NAME).exists()
    shown.start()
    with ProgressFile(folders["large"]), ProgressFile(folders["small"]) as file:
        file.write(Progress(0.25, 0.1234, 17.5))
        wait_until(lambda: "25 %" in stream.getvalue(), "the progress")
    shown.close()
    lines = stream.getvalue().splitlines()
    assert lines[-3:] == [
        "  batch 1:  25 %, loss 0.1234",
        "  batch 128: waits for a core",
        "1 of 3 runs done, 1 under way, 1 waiting, about 2 min 3 s of training left",
    ]


def test_nothing_is_displayed_while_no_run_is_under_way(folders, stream):
    shown = made(folders["done"].parent, RUNS, stream)
    shown.start()
    time.sleep(0.2)
    shown.close()
    assert stream.getvalue() == ""


def test_further_runs_are_displayed_with_those_known(folders, stream):
    shown = made(folders["done"].parent, {}, stream)
    shown.start()
    for runs in (["done"], ["done", "small"]):
        shown.expect(runs)
    shown.follow(["small"])
    with ProgressFile(folders["small"]) as file:
        file.write(Progress(0.25, 0.1234, 17.5))
        time.sleep(0.3)
    shown.close()
    lines = stream.getvalue().splitlines()
    assert lines[-2] == "  batch 1:  25 %, loss 0.1234"
    assert lines[-1].startswith("1 of 2 runs done, 1 under way")


def test_a_terminal_shows_jobs_when_they_start(folders, stream):
    jobs = Jobs()
    terminal = Terminal()
    shown = made(folders["done"].parent, RUNS, stream, jobs, terminal)
    shown.start()
    jobs.handle(events.planned(find_crossings=2, plot_loss_curves=1, train=2))
    for number, rule in enumerate(("find_crossings", "find_crossings", "plot_loss_curves")):
        jobs.handle(events.started(number, rule))
    time.sleep(0.2)
    shown.close()
    assert ["0 of 5 jobs done, now: find crossings ×2, charts of loss curves"] in terminal.shown
    assert terminal.shown[-1] == []
    assert stream.getvalue() == ""


def test_runs_on_a_terminal_have_bars(folders, stream, monkeypatch):
    monkeypatch.setattr(display, "BARS_SECONDS", 0.05)
    jobs = Jobs()
    terminal = Terminal()
    shown = made(folders["done"].parent, RUNS, stream, jobs, terminal)
    shown.follow(UNFINISHED)
    shown.start()
    jobs.handle(events.planned(train=2, parse=1))
    for number, rule in enumerate(("train", "train", "parse")):
        jobs.handle(events.started(number, rule))
    with ProgressFile(folders["large"]), ProgressFile(folders["small"]) as file:
        file.write(Progress(0.25, 0.1234, 17.5))
        time.sleep(0.3)
    shown.close()
    assert [
        "1 of 3 runs done, 1 under way, 1 waiting, about 2 min 3 s of training left",
        "batch 1   |█████               |  25 %, loss 0.1234",
        "batch 128 |                    | waits for a core",
        "0 of 3 jobs done, now: parse",
    ] in terminal.shown


def summary(tmp_path, stream, unfinished, failed=(), **started):
    shown = made(tmp_path, RUNS, stream)
    shown.follow(unfinished, failed)
    return shown._summary({run: Progress(share) for run, share in started.items()})


def test_only_the_plan_says_which_runs_are_done(folders, stream):
    """Those planned again are not done, although results of an earlier invocation are there."""
    parent = folders["done"].parent
    assert summary(parent, stream, RUNS, small=0.0).startswith("0 of 3 runs done, 1 under way")
    assert summary(parent, stream, {"done"}, done=0.0).startswith("2 of 3 runs done, 1 under way")


def test_a_progress_file_that_cannot_be_removed_ends_nothing(folders, stream):
    (folders["small"] / progress.NAME).mkdir()
    assert summary(folders["done"].parent, stream, RUNS) == (
        "0 of 3 runs done, about 3 min of training left"
    )


def test_what_waits_or_has_failed_is_not_under_way(tmp_path, stream):
    waiting = summary(tmp_path, stream, RUNS, large=None, small=None)
    assert waiting == "0 of 3 runs done, 2 waiting, about 3 min of training left"
    found = summary(tmp_path, stream, {"large", "small"}, {"done"}, large=0.5)
    assert found == "0 of 3 runs done, 1 failed, 1 under way, about 1 min 30 s of training left"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.1, "1 min"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3601, "1 h"),
        (3660, "1 h 1 min"),
        (90000, "25 h"),
    ],
)
def test_a_duration_has_no_part_that_is_zero(seconds, text):
    assert display._duration(seconds) == text


def many(count):
    """Unfinished runs with long names."""
    return {
        f"run {number}": specification(
            batch_size=60000, learning_rate=0.001 * (1 + number), momentum=number / 100, seed=number
        )
        for number in range(count)
    }


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40), (40, 10), (20, 5)])
@pytest.mark.parametrize("state", [Progress(), Progress(0.5, 12.345678), Progress(1.2, 1e-9)])
def test_the_block_fits_the_terminal(tmp_path, stream, columns, lines, state):
    runs = many(30)
    shown = made(tmp_path, runs, stream)
    block = shown._block(dict.fromkeys(runs, state), columns - 1, lines - 1)
    assert len(block) <= lines - 1
    assert max(map(len, block)) < columns


def test_80_columns_are_enough_for_the_names_of_a_fair_race(tmp_path, stream):
    runs = many(3)
    shown = made(tmp_path, runs, stream)
    block = shown._block(dict.fromkeys(runs, Progress()), 79, 23)
    assert block[1].startswith("all (60,000), rate 0.001, momentum 0, seed 0    |")
    assert all(line.endswith("| waits for a core") for line in block[1:])


def test_the_plan_in_one_line(tmp_path, stream):
    jobs = Jobs()
    shown = made(tmp_path, RUNS, stream, jobs)
    jobs.handle(events.planned(train=2, parse=1))
    text = "race: 3 jobs, 2 of them train a run for 1 min"
    assert shown.plan("race", 4, False) == f"{text}, 2 at once"
    assert shown.plan("race", None, False) == text
    jobs.handle(events.planned(train=1, parse=1))
    assert shown.plan("race", 4, False) == "race: 2 jobs, 1 of them trains a run for 1 min"
    jobs.handle(events.planned(parse=1))
    assert shown.plan("race", 4, False) == "race: 1 job"
    jobs.handle(events.planned(plot=1, all=1))
    assert shown.plan("race", 4, False) == "race: 2 jobs"
    assert shown.plan("race", 4, True) == "race: 2 jobs, and the runs that the race will ask for"


def test_runs_are_named_by_their_varying_parameters():
    runs = {"a": specification(), "b": specification(batch_size=1, seed=2)}
    names = display.name_runs(runs, {"mnist": 1})
    assert names == {"a": "batch 32, seed 1", "b": "all (1), seed 2"}


def test_names_are_short_and_none_is_empty():
    runs = {"a": specification(), "b": specification(learning_rate=0.5, shuffle=True)}
    assert display.name_runs(runs, {"mnist": 60000})["b"] == "batch 32, rate 0.5, shuffle True"
