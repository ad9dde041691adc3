"""Runs that are really killed are resumed, and end with the results of an undisturbed run.

After each kind of interruption the documented next command is run, and the losses by step are
compared with those of an undisturbed run of the same code on the same machine, bit for bit.
"""

import os
import re
import shutil
import signal
import subprocess
import sys

import psutil
import pytest

from batch_race.plan.sources import SCRIPTS
from batch_race.store import history
from batch_race.store.files import replacing
from tests.faults import kills
from tests.project import scripts, small_checkout, wait_until

STEPS = 30_000


def make_long(project):
    """Configure one run of some seconds, with several checkpoints a second."""
    project.edit_config(
        batch_size=32,
        budget={"seconds": None, "steps": STEPS},
        evaluation={"every_steps": 1000},
        checkpoint_seconds=0.2,
    )
    return project


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The rows of a run that is not interrupted."""
    folder = tmp_path_factory.mktemp("undisturbed")
    project = make_long(small_checkout(folder))
    project.run("--until", "train")
    return rows(project)


def run_folder(project):
    return next(project.folder.glob(f"results/train/digits-*/*/{STEPS}_steps"), None)


def rows(project):
    table, metadata = history.read(run_folder(project) / "history.parquet")
    assert metadata["stopped"] == "budget"
    for clock in ("training_seconds", "wall_seconds", "cpu_seconds"):
        assert table[clock].is_sorted()
    return table.select("step", "epoch", "examples", "training_loss", "test_accuracy").rows()


def checkpointed(project, snakemake):
    """Wait until the run has written a checkpoint; return its process."""
    checkpoints = "results/train/digits-*/*/*/checkpoint-*.npz"
    wait_until(lambda: list(project.folder.glob(checkpoints)), "a checkpoint")
    return wait_until(lambda: scripts(snakemake.pid), "a script")[0]


INTERRUPTIONS = {
    "kill -9 of Snakemake": lambda run, workflow: workflow.kill(),
    "SIGTERM to the run": lambda run, workflow: run.terminate(),
    "SIGTERM to all": lambda run, workflow: os.killpg(workflow.pid, signal.SIGTERM),
    "Ctrl-C": lambda run, workflow: os.killpg(workflow.pid, signal.SIGINT),
    "a closed terminal": lambda run, workflow: os.killpg(workflow.pid, signal.SIGHUP),
}


@pytest.mark.parametrize("interruption", INTERRUPTIONS)
def test_an_interrupted_run_is_resumed(project, undisturbed, interruption):
    make_long(project)
    snakemake = project.start("--until", "train")
    run = checkpointed(project, snakemake)
    INTERRUPTIONS[interruption](run, snakemake)
    out, _ = snakemake.communicate(timeout=60)
    assert snakemake.returncode != 0, out
    # The run ends by itself, even if no process is left to end it.
    wait_until(
        lambda: not run.is_running() or run.status() == psutil.STATUS_ZOMBIE, "the run's end"
    )
    # An unfinished run has no history that could be read as a result.
    assert not (run_folder(project) / "history.parquet").exists()

    # Snakemake could not release its lock.
    if interruption in ("kill -9 of Snakemake", "a closed terminal"):
        project.run("--unlock")
    project.run("--until", "train")
    assert rows(project) == undisturbed
    assert "resuming from step" in (run_folder(project) / "train.log").read_text()
    assert not list(run_folder(project).glob("checkpoint*"))


def test_after_sigterm_to_snakemake_alone_its_runs_finish(project):
    make_long(project)
    project.edit_config(batch_size=[8, 16, 32])
    snakemake = project.start("--until", "train")
    checkpointed(project, snakemake)
    snakemake.terminate()
    out, _ = snakemake.communicate(timeout=60)
    assert snakemake.returncode != 0, out
    ended = list(project.folder.glob("results/train/*/*/*/history.parquet"))
    assert 1 <= len(ended) < 3
    project.run("--until", "train")
    assert len(list(project.folder.glob("results/train/*/*/*/history.parquet"))) == 3


def test_kills_at_random_moments():
    """A few tries; docs/reliability.md has the outcome of many."""
    outcomes = kills.survive(tries=3, seed=6)
    assert [is_same for *_, is_same in outcomes] == [True] * 3


def test_a_power_failure_leaves_the_old_file_or_the_complete_new_one(tmp_path):
    """The order of the system calls: the content is flushed before the file is renamed."""
    strace = shutil.which("strace")
    if not strace:
        pytest.skip("strace is not installed")
    writer = (
        "import sys\nfrom pathlib import Path\nimport numpy as np\n"
        "from batch_race.store import arrays\n"
        "arrays.write(Path(sys.argv[1]), np.arange(1000))\n"
    )
    path, trace = tmp_path / "new" / "array.npy", tmp_path / "trace"
    calls = "trace=/^(openat|write|fsync|rename.*)$"
    command = [strace, "-f", "-y", "-e", calls, "-o", str(trace), sys.executable, "-c", writer]
    subprocess.run([*command, str(path)], cwd=SCRIPTS, check=True)
    lines = [line for line in trace.read_text().splitlines() if str(path.parent) in line]
    found = [
        name
        for line in lines
        for name, pattern in {
            "write the file": r" write\(\d+<.*/\.[0-9a-f]+\.array\.npy>",
            "flush the file": r" fsync\(\d+<.*/\.[0-9a-f]+\.array\.npy>\) += 0",
            "rename": r" rename\w*\(.*array\.npy.*array\.npy.*\) += 0",
            "flush the folder": rf" fsync\(\d+<{path.parent}>\) += 0",
        }.items()
        if re.search(pattern, line)
    ]
    assert list(dict.fromkeys(found)) == [
        "write the file",
        "flush the file",
        "rename",
        "flush the folder",
    ]
    assert found.index("flush the file") > max(
        index for index, name in enumerate(found) if name == "write the file"
    )


WRITER = """
import sys, time
from pathlib import Path
from batch_race.store.files import replacing
with replacing(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    print(temporary.name, flush=True)
    time.sleep(60)
"""


def test_the_temporary_file_of_a_killed_writer_is_removed_and_a_living_ones_is_not(tmp_path):
    path = tmp_path / "file.txt"
    writers, names = [], []
    for _ in range(2):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            cwd=SCRIPTS,
            stdout=subprocess.PIPE,
            text=True,
        )
        names.append(writer.stdout.readline().strip())
        writers.append(writer)
    dead, living = writers
    dead.kill()
    dead.communicate()
    assert len(list(tmp_path.iterdir())) == 2
    with replacing(path) as temporary:
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert {each.name for each in tmp_path.iterdir()} == {names[1], "file.txt"}
    living.kill()
    living.communicate()
