"""Which jobs run: exactly those whose results are not there yet."""

import os
import shutil

import pytest

from batch_race.data import idx
from batch_race.store import history
from tests.project import PUBLISHED, Project

SUMMARY_CHARTS = {
    f"plot_{name}": 1
    for name in (
        *("seconds_to_target", "steps_to_target", "examples_to_target"),
        *("throughput", "learning_rates"),
    )
}
MISTAKES_CHARTS = {"plot_confusion_matrix": 1, "plot_worst_mistakes": 1}
CURVES = {
    f"plot_{name}": 1
    for name in ("loss_by_seconds", "learning_by_iteration", "loss_curves", "accuracy_curves")
}
CHARTS = CURVES | SUMMARY_CHARTS | MISTAKES_CHARTS
PAGE = {"write_page": 1}
DATA = {"parse": 1, "prepare": 1}
MISTAKES = {"find_mistakes": 1} | MISTAKES_CHARTS | PAGE
ANSWERS = {"summarize": 1, "compare": 1, "forecast": 1} | SUMMARY_CHARTS | MISTAKES
AGGREGATES = {"collect": 1, "collect_crossings": 1} | ANSWERS | CURVES


def trained(count):
    """Count the jobs of so many runs that are trained, and their replays."""
    return {"train": count, "find_crossings": count}


def test_a_first_plan_from_nothing(project):
    assert project.jobs() == DATA | trained(3) | AGGREGATES
    assert project.jobs("--config", "dataset=mnist") == (
        {"download": 1} | DATA | trained(3) | AGGREGATES
    )
    assert project.jobs("--config", "dataset=strokes") == (
        {"draw_strokes": 1} | DATA | trained(3) | AGGREGATES
    )
    everything = "dataset=[digits, mnist, strokes, kmnist, fashion_mnist]"
    assert project.jobs("--config", everything) == (
        {"download": 3, "draw_strokes": 1, "parse": 5, "prepare": 5} | trained(15) | AGGREGATES
    )


def test_ready_experiments(project):
    for name, trained in {
        "quickstart": 4,
        "learning": 1,
        "batches": 1,
        "chapter13": 4,
        "book": 4,
        "study": 108,
        "study_threads": 8,
    }.items():
        plan = project.jobs("--configfile", f"config/{name}.yaml", "--config", "dataset=mnist")
        assert plan["train"] == trained


ANSWER = "results/compare/race/answer.txt"
TO_ANSWER = {"collect": 1, "collect_crossings": 1, "summarize": 1, "compare": 1}


def test_what_is_finished_is_kept(finished_project):
    project = finished_project
    assert project.jobs() == {}

    # A batch size more is one run more; gone and back again, it trains nothing.
    project.edit_config(batch_size=[1, 32, "all", 8])
    assert project.jobs() == trained(1) | AGGREGATES
    project.run(ANSWER)
    project.edit_config(batch_size=[1, 32, "all"])
    assert project.jobs(ANSWER) == TO_ANSWER
    project.run(ANSWER)
    project.edit_config(batch_size=[8, "all", 32, 1])
    assert project.jobs(ANSWER) == TO_ANSWER
    project.run(ANSWER)
    assert project.jobs(ANSWER) == {}
    project.edit_config(batch_size=[1, 8, 32, "all"])
    assert project.jobs(ANSWER) == {}

    # `all` is 300 images.
    project.edit_config(batch_size=[8, 300, 32, 1])
    assert project.jobs(ANSWER) == {}

    # Another experiment shares the runs.
    assert project.jobs("--config", "experiment=other") == AGGREGATES

    # What does not change a result is no reason to train: how often its state is saved, say.
    assert project.jobs(ANSWER, "--config", "checkpoint_seconds=1", "on_contention=fail") == {}

    # Own files with other content are other data; with the old content again, the old results.
    labels = project.folder.parent / "digits" / PUBLISHED["train_labels"]
    before = labels.read_bytes()
    idx.write(labels, idx.read(labels, (None,))[::-1].copy())
    assert project.jobs() == DATA | trained(4) | AGGREGATES
    project.run(ANSWER)
    labels.write_bytes(before)
    assert project.jobs(ANSWER) == TO_ANSWER


@pytest.fixture(scope="module")
def kept_project(finished_checkout, tmp_path_factory):
    """A finished checkout for tests that leave it as it was."""
    folder = tmp_path_factory.mktemp("kept")
    shutil.copytree(finished_checkout[0], folder, dirs_exist_ok=True, symlinks=True)
    return Project(folder / "checkout")


COMMENT = "\n# Edited.\n"
CODE = "\nEDITED = True\n"


def edit(path, new):
    """Add to a file; return what puts it back, its time too."""
    before, times = path.read_text(), path.stat()
    path.write_text(before + new)

    def undo():
        path.write_text(before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    return undo


RUNS = trained(3) | AGGREGATES
FOUND_AGAIN = {"find_crossings": 3, "collect_crossings": 1} | ANSWERS


@pytest.mark.parametrize(
    ("file", "jobs"),
    [
        # The network, its engine and its trainer are part of each result.
        ("nn/engine/passes.py", RUNS),
        ("nn/replay.py", RUNS),
        # A script makes what it makes, and what is made of that.
        ("workflow/scripts/parse.py", DATA | RUNS),
        ("workflow/scripts/train.py", RUNS),
        ("workflow/scripts/find_crossings.py", FOUND_AGAIN),
        ("workflow/scripts/compare.py", {"compare": 1} | MISTAKES),
        # So does a module that scripts share, one of each group.
        ("workflow/scripts/batch_race/data/idx.py", DATA | RUNS),
        ("workflow/scripts/batch_race/store/crossings.py", FOUND_AGAIN),
        ("workflow/scripts/batch_race/run/contention.py", RUNS),
        ("workflow/scripts/batch_race/analyze/forecast.py", {"forecast": 1}),
        ("workflow/scripts/batch_race/report/tables.py", ANSWERS),
        (
            "workflow/scripts/batch_race/report/charts/summary/throughput.py",
            {"plot_throughput": 1} | PAGE,
        ),
        # What plans the runs changes their parameters, if anything.
        ("workflow/scripts/batch_race/plan/runs.py", {}),
        # How a file is downloaded changes nothing in it, and a log is no result.
        ("workflow/scripts/download.py", {}),
        ("workflow/scripts/batch_race/store/logs.py", {}),
    ],
)
def test_what_an_edit_of_code_runs_again(kept_project, file, jobs):
    """Exactly the jobs whose results it could change; a comment is no change."""
    project = kept_project
    for new, expected in ((COMMENT, {}), (CODE, jobs)):
        undo = edit(project.folder / file, new)
        try:
            assert project.jobs() == expected
        finally:
            undo()


@pytest.mark.parametrize(
    ("file", "jobs"),
    [
        ("config.yaml", {}),
        ("workflow/schemas/config.schema.yaml", {}),
        ("workflow/report/loss_by_seconds.rst", {}),
        # Some captions stand on the page.
        ("workflow/report/throughput.rst", PAGE),
        ("workflow/scripts/batch_race/report/page.css", PAGE),
    ],
)
def test_what_an_edit_of_text_runs_again(kept_project, file, jobs):
    project = kept_project
    undo = edit(project.folder / file, COMMENT)
    try:
        assert project.jobs() == jobs
    finally:
        undo()


def test_the_time_of_a_file_is_not_its_content(finished_project):
    for name in ("nn/network.py", "workflow/scripts/train.py", "config.yaml"):
        (finished_project.folder / name).touch()
    for path in finished_project.folder.glob("results/train/**/history.parquet"):
        path.touch()
    assert finished_project.jobs() == {}


def test_what_a_setting_runs_again(kept_project):
    project = kept_project
    for settings, jobs in (
        (["title=Other"], CHARTS | PAGE),
        # A target is looked for in the runs as they are; the histories stay.
        (
            ["targets={loss: [0.7, 0.2]}"],
            {"find_crossings": 3, "collect_crossings": 1} | ANSWERS,
        ),
        # In another order they are the same, but the answer follows it.
        (["targets={loss: [0.2, 0.5], accuracy: [95]}"], ANSWERS),
        (["forecast={workers: [3]}"], {"forecast": 1}),
        (["experiment=other"], AGGREGATES),
        # One seed more for each of three batch sizes.
        (["repeats=2"], trained(3) | AGGREGATES),
        (["include=[{batch_size: 1, learning_rate: [0.1, 0.2]}]"], trained(2) | AGGREGATES),
        (["exclude=[{batch_size: 32}]"], AGGREGATES),
        # Where a file comes from, how often a state is saved, what becomes of a contended run:
        # none of it changes a result.
        (["mirrors=/nowhere"], {}),
        (["checkpoint_seconds=1", "on_contention=fail"], {}),
    ):
        assert (settings, project.jobs("--config", *settings)) == (settings, jobs)


def test_a_budget_up_and_down_again(finished_project):
    project = finished_project
    project.edit_config(budget={"seconds": None, "steps": 6})
    assert project.jobs() == trained(3) | AGGREGATES
    project.run(ANSWER)
    logs = list(project.folder.glob("results/train/*/*/6_steps/train.log"))
    assert len(logs) == 3
    assert all("resuming from step 4" in log.read_text() for log in logs)
    project.edit_config(budget={"seconds": None, "steps": 4})
    assert project.jobs() == AGGREGATES


def test_another_folder_of_the_same_project(finished_checkout, tmp_path):
    folder, _ = finished_checkout
    original, copy = Project(folder / "checkout"), Project(tmp_path / "moved" / "elsewhere")
    assert original.jobs() == {}
    shutil.copytree(folder, copy.folder.parent, symlinks=True)
    (copy.folder.parent / "checkout").rename(copy.folder)
    assert copy.jobs() == {}


def test_a_larger_budget_resumes_from_a_finished_run(project):
    project.edit_config(batch_size=32, budget={"seconds": 1.0}, evaluation={"every_steps": 500})
    project.run("--until", "train")
    (short_path,) = project.folder.glob("results/train/digits-*/*/1_seconds/history.parquet")
    short, _ = history.read(short_path)
    project.edit_config(batch_size=32, budget={"seconds": 2.0}, evaluation={"every_steps": 500})
    assert project.jobs()["train"] == 1
    project.run("--until", "train")
    long_path = short_path.parent.parent / "2_seconds" / "history.parquet"
    long, _ = history.read(long_path)
    assert long.head(len(short)).equals(short)
    assert 2.0 <= long["training_seconds"][-1] < 2.1
    log = (long_path.parent / "train.log").read_text()
    assert f"resuming from step {short['step'][-1]}," in log

    # Back again trains nothing; and a smaller one cannot be had from a larger one.
    project.edit_config(batch_size=32, budget={"seconds": 1.0}, evaluation={"every_steps": 500})
    assert "train" not in project.jobs()
