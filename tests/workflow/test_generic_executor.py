"""The profile for other batch systems, as it is, with commands in place of PBS's qsub and qdel.

No real cluster: what they are asked is noted, and a job is started at once.
"""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
from shutil import which

import psutil
import pytest

from batch_race.run import cores
from batch_race.store import history
from nn.engine.engine import MIN_SHARD
from tests.project import wait_until, write_digits

pytestmark = [
    pytest.mark.cluster,
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
    """The folder of a batch system's two commands, and of their notes; it leaves no job behind."""
    folder = tmp_path / "batch_system"
    folder.mkdir()
    for name, text in (("qsub", QSUB), ("qdel", QDEL)):
        (folder / name).write_text(text.format(folder=folder))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    yield folder
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if str(tmp_path) in " ".join((process.cwd(), *process.cmdline())):
                process.kill()


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def learned(project):
    """Give what was learned and the threads that were used, by the run's name."""
    losses, threads_used = {}, {}
    for path in project.folder.glob("results/train/*/*/*/history.parquet"):
        name = path.parent.relative_to(project.folder / "results/train")
        table, metadata = history.read(path)
        columns = ("step", "epoch", "examples", "training_loss", "test_accuracy")
        losses[name] = table.select(columns).rows()
        threads_used[name] = metadata["threads_used"]
    return losses, threads_used


def started(project, *arguments):
    """Run Snakemake through the profile while the block lasts, and show what it says of jobs."""
    soon = ("--seconds-between-status-checks", "1")
    return project.started("--profile", "profiles/generic", "-p", *soon, *arguments)


def finish(project, *arguments):
    with started(project, *arguments) as snakemake:
        status, said = snakemake.finish(300)
        assert status == 0, said


def test_each_run_is_sent_with_what_it_needs_and_learns_the_same(project, batch_system):
    threads = [1, 2] if cores.available() > 1 else [1]
    # Of fewer images in a step each thread has too few for there to be a second one.
    write_digits(project.folder.parent / "more", 2 * MIN_SHARD + 9)
    project.edit_config(
        dataset="more",
        own_datasets={"more": "../more"},
        batch_size=[2 * MIN_SHARD, "all"],
        threads=threads,
    )
    finish(project, "--until", "train")
    sent, threads_used = learned(project)
    assert len(sent) == 2 * len(threads)

    asked = lines(batch_system / "asked")
    by_name = {re.search(r" -N (\S+) ", line)[1]: line for line in asked}
    assert len(asked) == len(by_name) == len(sent)
    for name in sent:
        line = by_name[".".join(name.parts[1:])]
        text = (project.folder / "results/train" / name / "specification.json").read_text()
        cpus = json.loads(text)["threads"]
        assert f" -l select=1:ncpus={cpus}:mem=1001mb -l walltime=3600 " in line  # of an hour
        assert threads_used[name] == {"step": cpus, "evaluation": cpus}

    project.run("--forcerun", "train", "--until", "train")
    assert len(lines(batch_system / "asked")) == len(asked)
    assert learned(project) == (sent, threads_used)


def test_ctrl_c_deletes_the_jobs_and_the_same_command_goes_on(project, batch_system):
    project.edit_config(
        batch_size=[8, 9],
        budget={"seconds": None, "steps": 300_000},
        evaluation={"every_steps": 50_000},
        checkpoint_seconds=0.2,
    )
    at_once = min(2, cores.available())
    train = project.folder / "results" / "train"
    limit = ("--until", "train", "--set-resources", "train:runtime=125")  # minutes

    def said_by_runs(pattern):
        found = {log: re.search(pattern, log.read_text()) for log in train.glob("*/*/*/train.log")}
        return {log: int(match[1]) for log, match in found.items() if match}

    with started(project, *limit) as snakemake:
        wait_until(
            lambda: len(list(train.glob("*/*/*/checkpoint-*.npz"))) == at_once,
            f"{at_once} checkpoint(s)",
        )
        assert not list(train.glob("*/*/*/history.parquet"))
        snakemake.process.send_signal(signal.SIGINT)
        status, said = snakemake.finish(180)
    assert status != 0
    given = re.findall(r"external jobid '(\S+)'", said)
    assert len(given) == 2
    assert sorted(lines(batch_system / "deleted")) == sorted(given)
    assert all(" -l walltime=7500 " in line for line in lines(batch_system / "asked"))
    # The jobs end by themselves; their logs are overwritten below.
    saved = r"interrupted \(SIGTERM\) and saved at step (\d+)"
    wait_until(lambda: len(said_by_runs(saved)) == at_once, "the runs' last states")
    saved_at = said_by_runs(saved)

    finish(project, *limit)
    assert said_by_runs(r"resuming from step (\d+)") == saved_at
    assert len(learned(project)[0]) == 2


@pytest.mark.parametrize("edited", ["config.yaml", "own.yaml"])
def test_a_sweep_keeps_the_configuration_that_it_was_started_with(project, batch_system, edited):
    """Waiting jobs plan the experiment again, after the configuration and the data were edited."""
    project.edit_config(batch_size=[8, 9, 10])
    digits = project.folder.parent / "digits"
    options = ["--config", "seed=7"]
    if edited == "own.yaml":
        (project.folder / edited).write_text("batch_size: [11, 12, 13]\n")
        options += ["--configfile", edited]
    with started(project, "--until", "train", "--jobs", "1", *options) as snakemake:
        wait_until(lambda: lines(batch_system / "asked"), "a job")
        (project.folder / edited).write_text("batch_size: [ # half edited")
        shutil.rmtree(digits)
        status, said = snakemake.finish(300)
        assert status == 0, said
    assert len(lines(batch_system / "asked")) == 3
    names = [str(path) for path in project.folder.glob("results/train/*/*/*/history.parquet")]
    assert len(names) == 3
    assert all("seed_7" in name for name in names)
