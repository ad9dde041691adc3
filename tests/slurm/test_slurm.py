"""A sweep on a real Slurm: jobs killed, cancelled, requeued, preempted, and out of time.

tests/slurm/install.sh and requirements-cluster.lock install what it needs.
"""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from batch_race.plan import allocation
from batch_race.run import cores
from batch_race.store import history
from nn.engine.engine import MIN_SHARD
from tests.project import checkout, script_name, wait_until, write_digits
from tests.slurm import cluster as slurm

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(bool(slurm.missing()), reason=f"not installed: {slurm.missing()}"),
    pytest.mark.skipif(
        importlib.util.find_spec("snakemake_executor_plugin_slurm") is None,
        reason="not installed: snakemake-executor-plugin-slurm",
    ),
    pytest.mark.skipif(os.getuid() != 0, reason="the daemons here run as root"),
]

SIZES = (8, 9, 10, 11, 12, 13)
SWEEP = {
    "batch_size": list(SIZES),
    "budget": {"seconds": None, "steps": 500_000},
    "evaluation": {"every_steps": 20_000},
    "checkpoint_seconds": 0.2,
}
# Only sooner than the profile does: what it asks stays the same.
SOON = ("--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1")
NO_ACCOUNTING = ("--slurm-status-command", "squeue", *SOON)


@pytest.fixture
def cluster():
    """Run two nodes of one processor each; not in pytest's folder, too long for a socket."""
    with (
        tempfile.TemporaryDirectory(prefix="slurm-") as folder,
        slurm.running(Path(folder) / "cluster", nodes=2) as nodes,
    ):
        yield nodes


@contextlib.contextmanager
def started(project, cluster, *arguments):
    """Run Snakemake through the profile while the block lasts."""
    asked = ("--profile", "profiles/slurm", *arguments)
    with project.started(*asked, environment=cluster.environment) as snakemake:
        try:
            yield snakemake
        except BaseException:
            print(cluster.logs())
            raise


def finish(snakemake, seconds=600):
    """Wait for its end, which has to be a good one; give what it said."""
    status, said = snakemake.finish(seconds)
    assert status == 0, said
    return said


def first_running(runs, harmed):
    """Wait until one of these runs, by size, has a job that was left alone so far."""
    return wait_until(
        lambda: next((size for size in runs if size not in harmed and runs[size].job()), 0),
        "a run to harm",
        300,
    )


def skip_without_processors_0_and_1():
    """Skip the test where a node of two processors would have something else."""
    if len(cores.physical_cores({0, 1} & os.sched_getaffinity(0))) < 2:
        pytest.skip("processors 0 and 1, which the node has, are not two cores")


class Run:
    """One of the sweep's runs, as Slurm and the files show it."""

    def __init__(self, project, cluster, batch_size):
        self._project = project
        self._cluster = cluster
        self._name = f"batch_{batch_size}-"

    @property
    def folder(self):
        pattern = f"results/train/*/{self._name}*/*_*"  # of its budget, not that of the snapshots
        return wait_until(lambda: next(self._project.folder.glob(pattern), None), pattern)

    def log(self):
        path = self.folder / "train.log"
        return path.read_text() if path.exists() else ""

    def job(self):
        """Find the running job by its comment: that is how a user finds it."""
        for line in self._cluster.say("squeue", "-h", "-t", "R", "-o", "%i %k").splitlines():
            number, comment = line.split(" ", 1)
            if self._name in comment:
                return number
        return ""

    def in_midst(self):
        """Wait until it trains and has saved its state; give its job."""
        wait_until(self.job, f"a job of {self._name}")
        wait_until(self._checkpoint, f"a state of {self._name}")
        wait_until(lambda: "(step 20000, " in self.log(), f"training of {self._name}")
        job = self.job()
        assert job, f"{self._name} ended before it was harmed"
        return job

    def processor(self):
        """Wait until it holds a processor; return its number."""
        return wait_until(
            lambda: re.search(r"holding processor\(s\) (\d+)", self.log()),
            f"a processor for {self._name}",
        )[1]

    def script(self):
        """Wait for the process that trains, found by the job's number in its environment."""
        return wait_until(self._find_script, f"a script of {self._name}")

    def _find_script(self):
        job = self.job()
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                is_here = script_name(process) and process.cwd() == str(self._project.folder)
                if is_here and process.environ().get("SLURM_JOB_ID") == job:
                    return process
        return None

    def kill(self):
        """Kill its script, and wait until it is gone."""
        script = self.script()
        script.kill()
        script.wait(60)

    def has_saved(self):
        """Wait until its log says that it was asked to end and saved its state; return the step."""
        return int(
            wait_until(
                lambda: re.search(r"interrupted \(SIGTERM\) and saved at step (\d+)", self.log()),
                f"a last state of {self._name}",
            )[1]
        )

    def went_on_from(self):
        """Return the step of the state that it resumed from; None if it began again."""
        said = re.search(r"resuming from step (\d+)", self.log())
        return said and int(said[1])

    def state(self):
        """Return the step of the checkpoint."""
        with np.load(self._checkpoint()) as arrays:
            return json.loads(bytes(arrays["text"]))["step"]

    def _checkpoint(self):
        return next(self.folder.glob("checkpoint-*.npz"), None)


def losses(path):
    """Give what a history says was learned, by step."""
    table, _ = history.read(path)
    rows = table.select("step", "epoch", "examples", "training_loss", "test_accuracy").rows()
    return {row[0]: row[1:] for row in rows}


def learned(project, nodes):
    """Give what each run learned by step, and its node, which has to be one of these."""
    losses_by_run, places = {}, {}
    for path in project.folder.glob("results/train/*/*/*/history.parquet"):
        metadata = history.read(path)[1]
        run = str(path.parent.relative_to(project.folder / "results/train"))
        assert metadata["stopped"] == "budget"
        assert metadata["machine"]["processor"]
        assert len(metadata["contention"]["gflops_before_and_after"]) == 2
        assert metadata["machine"]["name"] in nodes
        places[run] = metadata["machine"]["name"]
        losses_by_run[run] = losses(path)
    return losses_by_run, places


def disturb(cluster, runs):
    """Do to five of six runs what clusters do; return the step that each must resume from."""
    saved = {}

    # Out of time: a stopped process spends it without working. Slurm wakes it up to end.
    limited = first_running(runs, saved)
    job = runs[limited].in_midst()
    runs[limited].script().send_signal(signal.SIGSTOP)
    cluster.end(job)
    with ThreadPoolExecutor() as beside:
        # Its log is overwritten when it is submitted again, while this waits for others.
        out_of_time = beside.submit(runs[limited].has_saved)
        saved[limited] = None

        killed = first_running(runs, saved)
        runs[killed].in_midst()
        runs[killed].kill()
        saved[killed] = runs[killed].state()

        requeued = first_running(runs, saved)
        cluster.order("scontrol", "requeue", runs[requeued].in_midst())
        saved[requeued] = runs[requeued].has_saved()

        cancelled = first_running(runs, saved)
        cluster.order("scancel", runs[cancelled].in_midst())
        saved[cancelled] = runs[cancelled].has_saved()

        saved[limited] = out_of_time.result()
        cluster.restart_controller()

        preempted = first_running(runs, saved)
        node = cluster.say("squeue", "-h", "-j", runs[preempted].in_midst(), "-o", "%N").strip()
        cluster.order("sbatch", "-p", "urgent", "-w", node, "-o", "/dev/null", "--wrap", "sleep 1")
        saved[preempted] = runs[preempted].has_saved()
    return saved


@pytest.mark.skipif(cores.available() < 2, reason="two nodes of one core each have but one core")
def test_a_sweep_survives_what_a_cluster_does_to_it(project, cluster):
    project.edit_config(**SWEEP)
    runs = {size: Run(project, cluster, size) for size in SIZES}
    with started(project, cluster, *NO_ACCOUNTING, "--until", "train") as snakemake:
        saved = disturb(cluster, runs)
        finish(snakemake)

    # Each went on from where it was saved, and not from before.
    assert {size: runs[size].went_on_from() for size in saved} == saved
    (untouched,) = set(SIZES) - set(saved)
    assert runs[untouched].went_on_from() is None

    # The same command again has nothing to do.
    with started(project, cluster, *NO_ACCOUNTING, "--until", "train") as again:
        finish(again)

    # What Slurm itself wrote down of the jobs: each run ended well once.
    ends = re.findall(r"JobState=(\w+) Partition=race", (cluster.folder / "jobs.txt").read_text())
    assert ends.count("COMPLETED") == len(SIZES)
    assert ends.count("TIMEOUT") == 1
    assert ends.count("FAILED") == 1
    assert ends.count("CANCELLED") == 1

    # A local sweep learns the same.
    on_cluster, places = learned(project, cluster.nodes)
    assert len(on_cluster) == len(SIZES)
    assert set(places.values()) == set(cluster.nodes)
    project.run("--forcerun", "train", "--until", "train")
    assert all(run.went_on_from() is None for run in runs.values())
    assert learned(project, [socket.gethostname()])[0] == on_cluster


def test_the_rounds_of_a_race_are_ordinary_jobs(project, cluster):
    project.edit_config(
        batch_size=[8, 32],
        budget={"seconds": 1},
        pruning={"enabled": True},
        targets={"loss": [1.5], "accuracy": []},
    )
    answer = "results/compare/race/answer.txt"
    with started(project, cluster, *NO_ACCOUNTING, answer) as snakemake:
        finish(snakemake)
    assert " loss 1.5" in (project.folder / answer).read_text()
    trained = list(project.folder.glob("results/train/*/*/*/history.parquet"))
    ends = re.findall(r"JobState=(\w+) Partition=race", (cluster.folder / "jobs.txt").read_text())
    assert len(trained) >= 2
    assert ends.count("COMPLETED") == len(ends) >= len(trained) + 2  # and where the target lies
    with started(project, cluster, *NO_ACCOUNTING, answer) as again:
        assert "Nothing to be done" in finish(again)


def test_without_accounting_the_default_is_refused(project, cluster):
    with started(project, cluster) as refused:
        status, said = refused.finish(180)
    assert status != 0
    assert "slurm-status-command: found sacct on a cluster without accounting" in said
    assert "Traceback" not in said
    assert not cluster.say("squeue", "-h", "--states=all")


@pytest.mark.skipif(
    bool(slurm.missing(*slurm.ACCOUNTING_PROGRAMS)),
    reason=f"not installed: {slurm.missing(*slurm.ACCOUNTING_PROGRAMS)}",
)
def test_the_quickstart_with_accounting_needs_no_setting(tmp_path):
    """The README's first experiment, a run killed and one requeued, as `sacct` reports them."""
    project = checkout(tmp_path / "checkout")
    quickstart = ("--configfile", "config/quickstart.yaml")
    with (
        tempfile.TemporaryDirectory(prefix="slurm-") as folder,
        slurm.running(Path(folder) / "cluster", nodes=2, keeps_accounts=True) as cluster,
        started(project, cluster, *SOON, "-p", "--until", "compare", *quickstart) as snakemake,
    ):
        runs = {size: Run(project, cluster, size) for size in (1, 32, 128)}
        killed = first_running(runs, ())
        runs[killed].processor()
        runs[killed].kill()
        requeued = first_running(runs, (killed,))
        wait_until(lambda: re.search(r"\(step [1-9]", runs[requeued].log()), "training")
        cluster.order("scontrol", "requeue", runs[requeued].job())
        saved_at = runs[requeued].has_saved()
        said = finish(snakemake)
        assert runs[requeued].went_on_from() == saved_at
        # Data and tables were made where Snakemake ran.
        assert set(re.findall(r"^rule (\w+):", said, re.MULTILINE)) == {
            "train",
            "find_crossings",
        }
        assert {"draw_strokes", "summarize"} < set(re.findall(r"^localrule (\w+):", said, re.M))
        asked = ("-n", "-X", "-P", "--duplicates", "-o", "State,NodeList,Comment")
        record = cluster.say("sacct", *asked).splitlines()
    ended = [line.split("|") for line in record]
    assert sorted(state for state, *_ in ended) == [*["COMPLETED"] * 8, "FAILED", "REQUEUED"]

    # Each history says the node that Slurm says.
    on_cluster, places = learned(project, cluster.nodes)
    assert len(places) == 4
    for run, node in places.items():
        (where,) = (
            node
            for state, node, comment in ended
            if state == "COMPLETED"
            and Path(run).parent.name in comment
            and "find_crossings" not in comment
        )
        assert node == where

    # As many steps here lead to the same losses.
    shutil.rmtree(project.folder / "results" / "train")
    for run, rows in on_cluster.items():
        last = max(rows)
        asked = (
            f"batch_size={re.search(r'batch_([0-9]+)-', run)[1]}",
            f"budget={{seconds: null, steps: {last}}}",
            f"evaluation={{every_steps: {last}}}",
        )
        project.run(*quickstart, "--until", "train", "--config", *asked)
        (path,) = project.folder.glob(f"results/train/*/*/{last}_steps/history.parquet")
        assert losses(path) == {step: rows[step] for step in (0, last)}


def test_a_run_gets_what_it_asks_for_and_takes_its_core_from_that(project):
    skip_without_processors_0_and_1()
    project.edit_config(**SWEEP | {"batch_size": SIZES[0]})
    with (
        tempfile.TemporaryDirectory(prefix="slurm-") as folder,
        slurm.running(Path(folder) / "cluster", 1, 2, "task/affinity") as cluster,
    ):
        # Another job has the first processor, which would else be taken, being free of runs. It
        # leaves a process that Slurm does not know.
        command = "setsid -f sleep 900; exec sleep 900"
        cluster.order("sbatch", "-o", "/dev/null", "--mem=10", "--wrap", command)
        wait_until(lambda: cluster.say("squeue", "-h", "-t", "R"), "the first processor's job")
        with started(project, cluster, *NO_ACCOUNTING):
            run = Run(project, cluster, SIZES[0])
            job = wait_until(run.job, "the run's job")
            details = cluster.say("scontrol", "show", "job", "-d", job)
            assert re.search(r"CPU_IDs=(\d+)", details)[1] == "1"
            assert run.processor() == "1"
    assert cluster.processes() == []
    specification = {"hidden_nodes": 20, "threads": 1}
    assert f"mem={allocation.memory_mb(specification)}M" in details
    assert "NumCPUs=1 " in details
    assert "TimeLimit=01:00:00" in details  # of a budget without seconds


def test_a_run_of_two_threads_gets_two_processors_and_learns_the_same(project):
    skip_without_processors_0_and_1()
    # Of fewer images each thread has too few for there to be a second one.
    write_digits(project.folder.parent / "more", 2 * MIN_SHARD)
    project.edit_config(
        dataset="more", own_datasets={"more": "../more"}, batch_size="all", threads=2
    )
    with (
        tempfile.TemporaryDirectory(prefix="slurm-") as folder,
        slurm.running(Path(folder) / "cluster", 1, 2, "task/affinity") as cluster,
        started(project, cluster, *NO_ACCOUNTING, "--until", "train") as snakemake,
    ):
        finish(snakemake)
        assert "ProcCnt=2 " in (cluster.folder / "jobs.txt").read_text()
    (path,) = project.folder.glob("results/train/*/*/*/history.parquet")
    metadata = history.read(path)[1]
    assert metadata["processors"] == [0, 1]
    assert metadata["threads_used"] == {"step": 2, "evaluation": 2}
    on_cluster, _ = learned(project, cluster.nodes)
    project.run("--forcerun", "train", "--until", "train")
    assert history.read(path)[1]["threads_used"] == {"step": 2, "evaluation": 2}
    assert learned(project, [socket.gethostname()])[0] == on_cluster
