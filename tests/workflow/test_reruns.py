"""Which jobs run: exactly those whose results are not there yet."""

import os
import shutil

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


def edit(path, old="", new="\n# Edited.\n"):
    """Change a file; give what puts it back.

    Its time is put back too: Snakemake takes a script that is newer than its results for another.
    """
    before, times = path.read_text(), path.stat()
    path.write_text(before.replace(old, new) if old else before + new)

    def undo():
        path.write_text(before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    return undo


def test_what_an_edit_makes_anew(finished_project):
    """Each edit, with the jobs that must run: those whose results it could change."""
    project = finished_project
    edits = {
        # A comment is nothing.
        "config.yaml": (edit, {}),
        # The schema's descriptions and the report's captions are read by people.
        "workflow/schemas/config.schema.yaml": (
            lambda path: edit(path, "Title of the charts", "What stands over the charts"),
            {},
        ),
        "workflow/report/loss_by_seconds.rst": (edit, {}),
        # Some of these stand on the page.
        "workflow/report/throughput.rst": (edit, PAGE),
        # The network's code is part of each result, and so is the trainer's.
        "nn/network.py": (edit, trained(3) | AGGREGATES),
        "nn/engine/engine.py": (edit, trained(3) | AGGREGATES),
        # A script makes what it makes, and what is made of that.
        "workflow/scripts/parse.py": (edit, DATA | trained(3) | AGGREGATES),
        "workflow/scripts/find_crossings.py": (
            edit,
            {"find_crossings": 3, "collect_crossings": 1} | ANSWERS,
        ),
        "workflow/scripts/compare.py": (edit, {"compare": 1} | MISTAKES),
        "workflow/scripts/plot.py": (edit, CHARTS | PAGE),
        # So does a module that scripts share.
        "workflow/scripts/batch_race/analyze/forecast.py": (edit, {"forecast": 1}),
        "workflow/scripts/batch_race/report/theme.py": (edit, CHARTS | PAGE),
        # A chart's module draws that chart.
        "workflow/scripts/batch_race/report/charts/summary/throughput.py": (
            edit,
            {"plot_throughput": 1} | PAGE,
        ),
        "workflow/scripts/batch_race/report/charts/histories/loss_curves.py": (
            edit,
            {"plot_loss_curves": 1},
        ),
        "workflow/scripts/batch_race/report/page.css": (edit, PAGE),
        "workflow/scripts/batch_race/analyze/mistakes.py": (edit, MISTAKES),
        "workflow/scripts/batch_race/report/tables.py": (edit, ANSWERS),
        # How a download is tried changes no file, and logs no result.
        "workflow/scripts/batch_race/data/download.py": (edit, {}),
        "workflow/scripts/batch_race/store/logs.py": (edit, {}),
    }
    for name, (change, jobs) in edits.items():
        undo = change(project.folder / name)
        assert (name, project.jobs()) == (name, jobs)
        undo()
    assert project.jobs() == {}

    # The time of a file is not its content.
    for name in ("nn/network.py", "workflow/scripts/batch_race/report/theme.py", "config.yaml"):
        (project.folder / name).touch()
    for path in project.folder.glob("results/train/**/history.parquet"):
        path.touch()
    assert project.jobs() == {}


def test_what_a_setting_makes_anew(finished_project):
    project = finished_project
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
    assert all("going on from step 4" in log.read_text() for log in logs)
    project.edit_config(budget={"seconds": None, "steps": 4})
    assert project.jobs() == AGGREGATES


def test_another_folder_of_the_same_project(finished_checkout, tmp_path):
    folder, _ = finished_checkout
    original, copy = Project(folder / "checkout"), Project(tmp_path / "moved" / "elsewhere")
    assert original.jobs() == {}
    shutil.copytree(folder, copy.folder.parent, symlinks=True)
    (copy.folder.parent / "checkout").rename(copy.folder)
    assert copy.jobs() == {}


def test_a_larger_budget_goes_on_from_a_finished_run(project):
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
    assert f"going on from step {short['step'][-1]}," in log

    # Back again trains nothing; and a smaller one cannot be had from a larger one.
    project.edit_config(batch_size=32, budget={"seconds": 1.0}, evaluation={"every_steps": 500})
    assert "train" not in project.jobs()
