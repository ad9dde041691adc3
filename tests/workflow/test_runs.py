"""What becomes of runs that are disturbed, that diverge, and that run beside others."""

import contextlib
import os
import re
import shutil
import subprocess
import sys

import polars as pl
import pytest

from batch_race.store import history

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def busy_loops():
    """Keep every processor busy that a run could hold."""
    loops = []
    for processor in os.sched_getaffinity(0):
        loop = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        os.sched_setaffinity(loop.pid, {processor})
        loops.append(loop)
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no process")
def test_a_disturbed_run_is_marked_or_refused(project):
    project.edit_config(batch_size=32, budget={"seconds": 1.5})
    charts = [
        f"results/plot/race/{chart}.svg" for chart in ("loss_by_seconds", "learning_by_iteration")
    ]
    with busy_loops():
        said = project.refusal(*charts, "--config", "on_contention=fail")
        assert not list(project.folder.glob("results/train/*/*/*/history.parquet"))
        assert not list(project.folder.glob("results/train/*/*/*/checkpoint-*.npz"))
        project.run(*charts)
    assert "contended, in " in said

    (path,) = project.folder.glob("results/train/*/*/*/history.parquet")
    contention = history.read(path)[1]["contention"]
    assert contention["contended"]
    assert contention["cpu_seconds"] < 0.8 * contention["watched_seconds"]
    table = pl.read_parquet(project.folder / "results/collect/race/histories.parquet")
    assert table["contended"].all()
    for chart in charts:
        assert "1 of 1 runs contended" in (project.folder / chart).read_text()


def test_a_diverged_run_is_a_result_and_stops_no_other(project):
    project.edit_config(learning_rate=[0.01, 100000], batch_size=32)
    project.run()
    ends = {}
    for path in project.folder.glob("results/train/*/*/*/history.parquet"):
        table, metadata = history.read(path)
        ends[table["learning_rate"][0]] = (metadata["stopped"], table["step"][-1])
    assert ends[0.01] == ("budget", 4)
    assert ends[100000][0] == "diverged"
    svg = (project.folder / "results/plot/race/loss_by_seconds.svg").read_text()
    assert re.search(r"Batch 32, learning rate 100000( \(contended\))? \(diverged\)", svg)


def test_a_run_learns_the_same_alone_and_beside_others(project):
    def losses():
        (path,) = project.folder.glob("results/train/*/batch_32-*/*/history.parquet")
        return history.read(path)[0].select("step", "training_loss", "test_accuracy")

    changes = {"budget": {"seconds": None, "steps": 300}, "evaluation": {"every_steps": 50}}
    project.edit_config(**changes)
    project.run("--until", "train")
    beside_others = losses()
    project.edit_config(batch_size=32, **changes)
    project.run("--until", "train", "--forcerun", "train")
    assert losses().equals(beside_others)
    assert len(beside_others) == 7


def test_a_run_with_momentum_resumes_bit_for_bit(project):
    def train(steps):
        budget = {"seconds": None, "steps": steps}
        project.edit_config(
            batch_size=32, momentum=0.9, budget=budget, evaluation={"every_steps": 50}
        )
        project.run("--until", "train")
        (folder,) = project.folder.glob(f"results/train/*/batch_32-*/{steps}_steps")
        rows = history.read(folder / "history.parquet")[0]
        return rows.select("step", "training_loss", "test_accuracy"), folder / "train.log"

    train(150)
    resumed, log = train(300)
    assert "resuming from step 150" in log.read_text()
    shutil.rmtree(project.folder / "results" / "train")
    fresh, log = train(300)
    assert "resuming" not in log.read_text()
    assert resumed.equals(fresh)


def test_the_scheduler_rests_until_a_job_ends(project):
    # With Snakemake's limiter of jobs a second, it would look for jobs ever more often.
    said = project.run("--verbose")
    assert "Ready jobs:" in said
    assert said.count("Ready jobs:") <= said.count("Finished jobid:") + 2


def test_other_packages_of_the_same_names_are_not_taken(project, tmp_path, monkeypatch):
    for name in ("nn", "workflow", "plan", "data", "run", "store"):
        (tmp_path / "others" / name).mkdir(parents=True)
        (tmp_path / "others" / name / "__init__.py").write_text("raise ImportError(__file__)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "others"))
    project.run("--until", "train", "--config", "batch_size=32")
