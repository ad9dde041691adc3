"""Which jobs an edit runs again: exactly those whose results it could change."""

import contextlib
import os

import pytest

from tests.workflow.jobs import AGGREGATES, ANSWERS, DATA, MISTAKES, PAGE, RESULTS_CHARTS, trained

COMMENT = "\n# Edited.\n"
CODE = "\nEDITED = True\n"


@contextlib.contextmanager
def edited(path, text):
    """Add text to a file within the block; its time is put back too."""
    before, times = path.read_text(), path.stat()
    path.write_text(before + text)
    try:
        yield
    finally:
        path.write_text(before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


RUNS = trained(3) | AGGREGATES
FOUND_AGAIN = {"find_crossings": 3} | AGGREGATES


@pytest.mark.parametrize(
    ("file", "jobs"),
    [
        # The network, its engine and its trainer are part of each result.
        ("nn/engine/passes.py", RUNS),
        ("nn/replay.py", RUNS),
        # A script, and what depends on its output.
        ("workflow/scripts/parse.py", DATA | RUNS),
        ("workflow/scripts/train.py", RUNS),
        ("workflow/scripts/find_crossings.py", FOUND_AGAIN),
        ("workflow/scripts/compare.py", {"compare": 1} | MISTAKES),
        # So does a module that scripts share, one of each group.
        ("workflow/scripts/batch_race/data/idx.py", DATA | RUNS),
        ("workflow/scripts/batch_race/store/crossings.py", FOUND_AGAIN),
        ("workflow/scripts/batch_race/run/contention.py", RUNS),
        ("workflow/scripts/batch_race/analyze/forecast.py", {"forecast": 1} | PAGE),
        ("workflow/scripts/batch_race/report/tables.py", ANSWERS),
        (
            "workflow/scripts/batch_race/report/charts/summary/throughput.py",
            RESULTS_CHARTS | PAGE,
        ),
        # How a file is downloaded changes nothing in it, and a log is no result.
        ("workflow/scripts/download.py", {}),
        ("workflow/scripts/batch_race/store/logs.py", {}),
    ],
)
def test_an_edit_of_code_runs_again_what_it_could_change(kept_project, file, jobs):
    with edited(kept_project.folder / file, CODE):
        assert kept_project.jobs() == jobs


def test_comments_in_all_code_run_nothing_again(kept_project):
    folder = kept_project.folder
    files = [*folder.rglob("nn/**/*.py"), *folder.rglob("workflow/**/*.py"), *folder.rglob("*.smk")]
    assert len(files) > 90
    with contextlib.ExitStack() as edits:
        for path in files:
            edits.enter_context(edited(path, COMMENT))
        assert kept_project.jobs() == {}


@pytest.mark.parametrize(
    ("file", "jobs"),
    [
        ("workflow/schemas/config.schema.yaml", {}),
        ("workflow/report/loss_by_seconds.rst", {}),
        # Some captions stand on the page.
        ("workflow/report/throughput.rst", PAGE),
        ("workflow/scripts/batch_race/report/page.css", PAGE),
    ],
)
def test_an_edit_of_text_runs_again_what_shows_it(kept_project, file, jobs):
    with edited(kept_project.folder / file, COMMENT):
        assert kept_project.jobs() == jobs


def test_the_time_of_a_file_is_not_its_content(finished_project):
    for name in ("nn/network.py", "workflow/scripts/train.py", "config.yaml"):
        (finished_project.folder / name).touch()
    for path in finished_project.folder.glob("results/train/**/history.parquet"):
        path.touch()
    assert finished_project.jobs() == {}
