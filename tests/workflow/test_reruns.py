"""Which jobs run: exactly those whose results are not there yet."""

import shutil

from batch_race.data import idx
from batch_race.store import history
from tests import forms
from tests.project import PUBLISHED, Project
from tests.workflow.jobs import AGGREGATES, ANSWERS, BUNDLE, CHARTS, CURVES, DATA, PAGE, trained


def test_a_first_plan_from_nothing(project):
    assert project.jobs() == DATA | trained(3) | AGGREGATES | BUNDLE
    assert project.jobs("--config", "dataset=mnist") == (
        {"download": 1} | DATA | trained(3) | AGGREGATES | BUNDLE
    )
    assert project.jobs("--config", "dataset=strokes") == (
        {"draw_strokes": 1} | DATA | trained(3) | AGGREGATES | BUNDLE
    )
    everything = "dataset=[digits, mnist, strokes, kmnist, fashion_mnist]"
    assert project.jobs("--config", everything) == (
        {"download": 3, "draw_strokes": 1, "parse": 5, "prepare": 5}
        | trained(15)
        | AGGREGATES
        | BUNDLE
    )


def test_ready_experiments(project):
    for name, n_runs in {
        "quickstart": 4,
        "learning": 1,
        "batches": 1,
        "chapter13": 4,
        "book": 4,
        "study": 108,
        "study_threads": 8,
    }.items():
        plan = project.jobs("--configfile", f"config/{name}.yaml", "--config", "dataset=mnist")
        assert plan["train"] == n_runs
    # Of a race, only the first decision is known.
    plan = project.jobs("--configfile", "config/fair.yaml", "--config", "dataset=mnist")
    assert plan["decide"] == 1
    assert "train" not in plan


ANSWER = "results/compare/race/answer.txt"
TO_ANSWER = {"summarize": 1, "compare": 1}


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


def test_the_path_and_the_form_of_own_files_do_not_matter(finished_project, monkeypatch):
    project = finished_project
    folder = project.folder.parent / "digits"
    moved = folder.rename(folder.with_name("moved"))
    link = folder.with_name("link")
    link.symlink_to(moved)
    monkeypatch.setenv("HOME", str(folder.parent))
    for path in ("../moved", moved, "../checkout/../moved/", "~/moved", "../link", link):
        project.edit_config(own_datasets={"digits": str(path)})
        assert (path, project.jobs()) == (path, {})

    # Copied, unpacked, and as another form of files.
    shutil.copytree(moved, folder, copy_function=shutil.copy)
    forms.unpack_in_place(folder)
    arrays = [
        idx.read(folder / name, (None, 28, 28) if "images" in name else (None,))
        for name in PUBLISHED.values()
    ]
    forms.write_keras(folder / "npz", forms.Digits(*arrays))
    forms.write_fashion(folder / "csv", forms.Digits(*arrays))
    for path in ("../digits", "../digits/npz/mnist.npz", "../digits/csv"):
        project.edit_config(own_datasets={"digits": path})
        assert (path, project.jobs()) == (path, {})


def test_what_a_setting_runs_again(kept_project):
    project = kept_project
    for settings, jobs in (
        (["title=Other"], CHARTS | PAGE),
        # A target is looked for in the runs as they are: the histories stay. Curves show targets.
        (["targets={loss: [0.7, 0.2]}"], {"find_crossings": 3} | AGGREGATES),
        # In another order they are the same, but the answer follows it.
        (["targets={loss: [0.2, 0.5], accuracy: [95]}"], ANSWERS | CURVES),
        (["forecast={workers: [3]}"], {"forecast": 1} | PAGE),
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
    # The answer needs no collected curves: they are still those of four steps.
    assert project.jobs() == ANSWERS


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

    # Back again trains nothing; and a smaller budget cannot be taken from a larger one.
    project.edit_config(batch_size=32, budget={"seconds": 1.0}, evaluation={"every_steps": 500})
    assert "train" not in project.jobs()
