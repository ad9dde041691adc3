"""The profile for other batch systems, as it is, with commands that stand for PBS's qsub and qdel.

No real cluster: what they are asked is noted, and a job is started at once.
"""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from shutil import which

import pytest

from workflow.scripts.common import cores, history

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("snakemake_executor_plugin_cluster_generic") is None,
        reason="not installed: snakemake-executor-plugin-cluster-generic",
    ),
    pytest.mark.skipif(which("setsid") is None, reason="not installed: setsid"),
]

# As a batch system does, it starts the job in a session of its own, in another folder, and with
# none of the environment.
QSUB = """\
#!/bin/sh
echo "$*" >> {folder}/asked
for script; do :; done
cd /
setsid env -i PATH=/usr/bin:/bin HOME="$HOME" sh "$script" >> {folder}/said 2>&1 &
echo "$!.stand-in"
"""

QDEL = """\
#!/bin/sh
for job; do
    echo "$job" >> {folder}/deleted
    kill -TERM "-${{job%.stand-in}}"
done
"""


@pytest.fixture
def batch_system(tmp_path, monkeypatch):
    """The folder of a batch system's two commands, and of their notes."""
    folder = tmp_path / "batch_system"
    folder.mkdir()
    for name, text in (("qsub", QSUB), ("qdel", QDEL)):
        (folder / name).write_text(text.format(folder=folder))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def losses(project):
    """Give what was learned, by the run's name."""
    return {
        path.parent.relative_to(project.folder / "results/train"): history.read(path)[0]
        .select("step", "epoch", "examples", "training_loss", "test_accuracy")
        .rows()
        for path in project.folder.glob("results/train/*/*/*/history.parquet")
    }


def wait_until(condition, seconds=60):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)
    return found


def start(project, *arguments):
    """Start Snakemake through the profile, as a user does."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "snakemake", "--profile", "profiles/generic"),
            *("--seconds-between-status-checks", "1", *arguments),
        ],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(project, *arguments):
    with start(project, *arguments) as snakemake:
        said, _ = snakemake.communicate(timeout=120)
    assert snakemake.returncode == 0, said


def test_each_run_is_sent_with_what_it_needs_and_learns_the_same(project, batch_system):
    threads = [1, 2] if cores.available() > 1 else [1]
    project.edit_config(batch_size=[32, "all"], threads=threads)
    finish(project, "--until", "collect")
    sent = losses(project)
    assert len(sent) == 2 * len(threads)

    asked = lines(batch_system / "asked")
    by_name = {re.search(r" -N (\S+) ", line)[1]: line for line in asked}
    assert len(asked) == len(by_name) == len(sent)
    for name in sent:
        line = by_name[".".join(name.parts[1:])]
        text = (project.folder / "results/train" / name / "specification.json").read_text()
        cpus = json.loads(text)["threads"]
        assert f" -l select=1:ncpus={cpus}:mem=1001mb -l walltime=3600 " in line  # of an hour

    project.run("--forcerun", "train", "--until", "train")
    assert len(lines(batch_system / "asked")) == len(asked)
    assert losses(project) == sent


def test_ctrl_c_deletes_the_jobs_and_the_same_command_goes_on(project, batch_system):
    project.edit_config(
        batch_size=[8, 9],
        budget={"seconds": None, "steps": 60_000},
        evaluation={"every_steps": 10_000},
        checkpoint_seconds=0.2,
    )
    train = project.folder / "results" / "train"
    limit = ("--until", "train", "--set-resources", "train:runtime=125")  # minutes
    with start(project, *limit) as snakemake:
        wait_until(lambda: list(train.glob("*/*/*/checkpoint.npz")))
        snakemake.send_signal(signal.SIGINT)
        said, _ = snakemake.communicate(timeout=60)
    assert snakemake.returncode != 0
    given = re.findall(r"external jobid '(\S+)'", said)
    assert len(given) == 2
    assert sorted(lines(batch_system / "deleted")) == sorted(given)
    assert all(" -l walltime=7500 " in line for line in lines(batch_system / "asked"))

    finish(project, *limit)
    went_on = [
        log for log in train.glob("*/*/*/train.log") if "going on from step" in log.read_text()
    ]
    assert went_on
    assert len(losses(project)) == 2
