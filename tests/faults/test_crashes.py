"""Nothing is lost: runs that are really killed go on, and end as if nothing had been.

After each way to go, the documented next command is given, and the losses by step are held
against those of an undisturbed run of the same code on the same machine, bit for bit.
"""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.workflow.test_reruns import AGGREGATES
from workflow.scripts.common import history

STEPS = 30_000


@pytest.fixture
def long_run(project):
    """A checkout with one run of some seconds, its state saved several times a second."""
    project.edit_config(
        batch_size=32,
        budget={"seconds": None, "steps": STEPS},
        evaluation={"every_steps": 1000},
        checkpoint_seconds=0.2,
    )
    return project


def start(project):
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2"],
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def train_process(snakemake):
    """The script itself: the last in the line of processes that Snakemake starts for it."""
    for process in psutil.Process(snakemake.pid).children(recursive=True):
        if any(".snakemake/scripts/" in word for word in process.cmdline()[1:2]):
            return process
    return None


def wait_until(condition):
    until = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


def run_folder(project):
    return next(project.folder.glob(f"results/train/digits-*/*/{STEPS}_steps"), None)


def rows(project):
    table, metadata = history.read(run_folder(project) / "history.parquet")
    assert metadata["stopped"] == "budget"
    for clock in ("training_seconds", "wall_seconds", "cpu_seconds"):
        assert table[clock].is_sorted()
    return table.select("step", "epoch", "examples", "training_loss", "test_accuracy").rows()


def in_midst(project, snakemake):
    """Wait until the run has saved a state, and give its process."""
    wait_until(lambda: list(project.folder.glob("results/train/digits-*/*/*/checkpoint.npz")))
    return wait_until(lambda: train_process(snakemake))


WAYS = {
    "kill -9 of the run": (lambda run, workflow: run.kill(), "run"),
    "SIGTERM to the run": (lambda run, workflow: run.terminate(), "run"),
    "kill -9 of Snakemake": (lambda run, workflow: workflow.kill(), "workflow"),
    "SIGTERM to all": (lambda run, workflow: os.killpg(workflow.pid, signal.SIGTERM), "all"),
    "Ctrl-C": (lambda run, workflow: os.killpg(workflow.pid, signal.SIGINT), "all"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_killed_run_goes_on(long_run, way, tmp_path):
    kill, _ = WAYS[way]
    snakemake = start(long_run)
    run = in_midst(long_run, snakemake)
    kill(run, snakemake)
    out, _ = snakemake.communicate(timeout=60)
    assert snakemake.returncode != 0, out
    # The run ends by itself, even where nobody is left to end it.
    wait_until(lambda: not run.is_running() or run.status() == psutil.STATUS_ZOMBIE)
    # Unfinished is unfinished: there is no history that could be taken for a result.
    assert not (run_folder(long_run) / "history.parquet").exists()

    if way == "kill -9 of Snakemake":
        long_run.run("--unlock")
    long_run.run()
    resumed = rows(long_run)
    log = (run_folder(long_run) / "train.log").read_text()
    assert "going on from step" in log
    assert not (run_folder(long_run) / "checkpoint.npz").exists()

    long_run.run("--forcerun", "train")
    assert "going on from step" not in (run_folder(long_run) / "train.log").read_text()
    assert rows(long_run) == resumed


def test_a_larger_budget_goes_on_from_a_finished_run(project):
    project.edit_config(batch_size=32, budget={"seconds": 1.0}, evaluation={"every_steps": 500})
    project.run()
    (short_path,) = project.folder.glob("results/train/digits-*/*/1_seconds/history.parquet")
    short, _ = history.read(short_path)
    project.edit_config(batch_size=32, budget={"seconds": 2.0}, evaluation={"every_steps": 500})
    assert project.jobs() == {"train": 1} | AGGREGATES
    project.run()
    long_path = short_path.parent.parent / "2_seconds" / "history.parquet"
    long, _ = history.read(long_path)
    assert long.head(len(short)).equals(short)
    assert 2.0 <= long["training_seconds"][-1] < 2.1
    log = (long_path.parent / "train.log").read_text()
    assert f"going on from step {short['step'][-1]}," in log

    # Back again trains nothing; and a smaller one cannot be had from a larger one.
    project.edit_config(batch_size=32, budget={"seconds": 1.0}, evaluation={"every_steps": 500})
    assert project.jobs() == AGGREGATES
